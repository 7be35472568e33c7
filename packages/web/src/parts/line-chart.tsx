import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useClock } from '../app/clock.tsx';

export interface ChartLine {
  readonly label: string;
  /** As long as `at`; null where nothing is known. */
  readonly values: readonly (number | null)[];
  readonly color: string;
  readonly text: (value: number) => string;
  /** Two lines of different units have an axis each. */
  readonly side?: 'right';
}

interface LineChartProps {
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly at: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly height?: number;
}

/** Lines over time. What it shows is also said in the facts beside it: the drawing itself has only its label. */
export function LineChart({ label, at, lines, height = 200 }: LineChartProps) {
  const { ref: box, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const { zone } = useClock();
  const plot = useRef<uPlot | null>(null);
  const shape = lines.map((line) => line.label).join('|');
  const data = dataOf(at, lines);
  const latest = useRef({ data, lines });
  latest.current = { data, lines };
  useEffect(() => {
    if (holder.current === null || width === 0) return;
    const options = optionsOf(latest.current.lines, width, height, scheme === 'dark', zone === 'UTC');
    plot.current = new uPlot(options, latest.current.data, holder.current);
    return () => plot.current?.destroy();
  }, [shape, width, height, scheme, zone]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return (
    <div ref={box} style={{ width: '100%', minHeight: height + 30 }}>
      <div ref={holder} role="img" aria-label={label} />
    </div>
  );
}

function dataOf(at: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [at.map((moment) => moment / 1000), ...lines.map(({ values }) => [...values])];
}

const AXIS_SIZE = 92;
/** Below this much in view, seconds are told apart. */
const SECONDS_IN_VIEW = 600;

function optionsOf(
  lines: readonly ChartLine[],
  width: number,
  height: number,
  isDark: boolean,
  inUtc: boolean,
): uPlot.Options {
  const ink = isDark ? '#c9c9c9' : '#495057';
  const grid = { stroke: isDark ? '#3b3b3b' : '#e9ecef', width: 1 };
  const axes: uPlot.Axis[] = lines.map((line, index) => ({
    scale: line.side ?? 'left',
    side: line.side === 'right' ? 1 : 3,
    stroke: ink,
    grid: index === 0 ? grid : { show: false },
    ticks: { show: false },
    size: AXIS_SIZE,
    values: (_plot, splits) => splits.map((split) => line.text(split)),
    show: lines.findIndex(({ side }) => side === line.side) === index,
  }));
  return {
    width,
    height,
    ...(inUtc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
    scales: {
      left: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
      right: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    axes: [{ stroke: ink, grid, ticks: { show: false }, space: 90, values: clockTimes(inUtc) }, ...axes],
    legend: { live: false },
    series: [
      {},
      ...(lines.map((line) => ({
        label: line.label,
        scale: line.side ?? 'left',
        stroke: line.color,
        fill: line.side === undefined ? `${line.color}22` : undefined,
        width: 2,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => (value === null ? '–' : line.text(value)),
      })) as uPlot.Series[]),
    ],
  };
}

function clockTimes(inUtc: boolean): (plot: uPlot, splits: number[]) => string[] {
  return (_plot, splits) => {
    const isShort = (splits.at(-1) ?? 0) - (splits[0] ?? 0) < SECONDS_IN_VIEW;
    const format = new Intl.DateTimeFormat('en-GB', {
      timeStyle: isShort ? 'medium' : 'short',
      ...(inUtc ? { timeZone: 'UTC' } : {}),
    });
    return splits.map((seconds) => format.format(seconds * 1000));
  };
}
