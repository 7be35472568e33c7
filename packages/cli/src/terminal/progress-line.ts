import type {
  CaptureBindingStatus,
  CapturePhase,
  MaterializationBindingStatus,
  MaterializationPhase,
} from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import { formatBytes, formatCount, formatMilliseconds, formatShortSeconds } from './format.ts';
import { clip, harmless, padLeft, padRight, textWidth } from './width.ts';

/** What one table's line says, before it is laid out. */
export interface Line {
  readonly name: string;
  /** At most `PHASE` wide. */
  readonly phase: string;
  /** Lower comes first. */
  readonly urgency: number;
  /** 0 to 1, where the end is known. */
  readonly done: number | undefined;
  readonly rows: string;
  readonly bytes: string;
  readonly rate: string;
  readonly last: string;
}

/** Failed first, then what is at work, then what waits, then what runs by itself. */
const URGENCY: Readonly<Record<CapturePhase | MaterializationPhase, number>> = {
  failed: 0,
  gap: 1,
  backfilling: 2,
  filling: 2,
  joining: 3,
  loading: 2,
  indexing: 2,
  replaying: 2,
  waiting: 4,
  streaming: 5,
  live: 5,
  dropped: 6,
};

export function captureLine(binding: CaptureBindingStatus): Line {
  const { phase, rowsRead, rowsEstimated, bytesRead, bytesEstimated } = binding;
  const reading = phase === 'backfilling' || phase === 'filling';
  const known = binding.estimateQuality !== 'unknown' && rowsEstimated > 0;
  const rough = binding.estimateQuality === 'exact' ? '' : '~';
  const showsEstimate = known && (reading || phase === 'joining' || phase === 'waiting');
  return {
    name: harmless(binding.resource),
    phase,
    urgency: URGENCY[phase],
    done: reading ? portion(rowsRead, rowsEstimated, bytesRead, bytesEstimated, known) : undefined,
    rows: showsEstimate
      ? `${formatCount(rowsRead)}/${rough}${formatCount(rowsEstimated)}`
      : rowsRead === 0
        ? ''
        : formatCount(rowsRead),
    bytes: bytesRead === 0 ? '' : formatBytes(bytesRead),
    rate: reading && binding.rowsPerSecond > 0 ? `${formatCount(binding.rowsPerSecond)}/s` : '',
    last: lastOfCapture(binding, reading),
  };
}

function lastOfCapture(binding: CaptureBindingStatus, reading: boolean): string {
  if (reading)
    return binding.etaSeconds === undefined ? '' : `${formatShortSeconds(binding.etaSeconds)} left`;
  return binding.changes > 0 ? `+${formatCount(binding.changes)}` : '';
}

/** Never 100 % while it still reads: the estimate may be too low. */
function portion(
  rows: number,
  rowsEstimated: number,
  bytes: number,
  bytesEstimated: number,
  known: boolean,
): number | undefined {
  if (known) return Math.min(rows / rowsEstimated, 0.99);
  return bytesEstimated > 0 ? Math.min(bytes / bytesEstimated, 0.99) : undefined;
}

/** `rowsEstimated`: what the capture expects the collection to have, where it is known. */
export function materializationLine(
  binding: MaterializationBindingStatus,
  rowsEstimated: number | undefined,
): Line {
  const { phase, offset, next } = binding;
  const behind = next - offset;
  const lag = binding.lagMilliseconds;
  const last =
    phase === 'live'
      ? lag === undefined
        ? ''
        : `lag ${formatMilliseconds(lag)}`
      : behind > 0
        ? `${formatCount(behind).replace(' ', '')} left`
        : '';
  return {
    name: harmless(binding.table),
    phase,
    urgency: URGENCY[phase],
    done: loadedPortion(binding, rowsEstimated),
    rows: binding.rowsWritten === 0 ? '' : formatCount(binding.rowsWritten),
    bytes: binding.bytesWritten === 0 ? '' : formatBytes(binding.bytesWritten),
    rate: binding.rowsPerSecond >= 1 ? `${formatCount(binding.rowsPerSecond)}/s` : '',
    last,
  };
}

/** Against the whole table while it is loaded: the journal is still growing. Against the journal when it is replayed. */
function loadedPortion(
  { phase, offset, next, rowsWritten }: MaterializationBindingStatus,
  rowsEstimated: number | undefined,
): number | undefined {
  if (phase === 'loading' && rowsEstimated !== undefined && rowsEstimated > 0) {
    return Math.min(rowsWritten / rowsEstimated, 0.99);
  }
  return phase === 'replaying' && next > 0 ? Math.min(offset / next, 0.99) : undefined;
}

export interface Layout {
  readonly columns: number;
  readonly name: number;
  readonly rows: number;
  /** 0: no bar. */
  readonly bar: number;
}

const PHASE = 11;
const PERCENT = 4;
const BYTES = 7;
const RATE = 8;
const LAST = 10;
const SHORTEST_NAME = 10;
const LONGEST_NAME = 40;
/** Widest text: `1.00 M/~1.00 M`. */
const ROWS = 14;
const BAR = 16;

/** One layout for all blocks, so that their columns stand below each other. */
export function layoutFor(columns: number, lines: readonly Line[]): Layout {
  const longest = lines.reduce((width, line) => Math.max(width, textWidth(line.name)), SHORTEST_NAME);
  const others = 2 + PHASE + PERCENT + ROWS + BYTES + RATE + LAST + 6;
  const room = columns - others;
  const name = Math.max(SHORTEST_NAME, Math.min(longest, LONGEST_NAME, room));
  return { columns, name, rows: ROWS, bar: room - name > BAR ? BAR : 0 };
}

export function lineText(line: Line, layout: Layout, colors: Colors): string {
  const percent = line.done === undefined ? '' : `${Math.floor(line.done * 100)} %`;
  const cells = [
    padRight(line.name, layout.name),
    paint(line, padRight(line.phase, PHASE), colors),
    ...(layout.bar === 0 ? [] : [bar(line.done, layout.bar)]),
    padLeft(percent, PERCENT),
    padLeft(line.rows, layout.rows),
    padLeft(line.bytes, BYTES),
    padLeft(line.rate, RATE),
    padLeft(line.last, LAST),
  ];
  const text = `  ${cells.join(' ')}`.trimEnd();
  // A terminal narrower than the least layout: cut, without colours that would be cut with it.
  if (textWidth(text) <= layout.columns) return text;
  return clip(
    `  ${padRight(line.name, layout.name)} ${line.phase} ${line.rows} ${line.last}`.trimEnd(),
    layout.columns,
  );
}

function bar(done: number | undefined, width: number): string {
  if (done === undefined) return ' '.repeat(width);
  const full = Math.round(done * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function paint(line: Line, text: string, colors: Colors): string {
  if (line.urgency < 2) return colors.red(text);
  if (line.urgency === 5) return colors.green(text);
  return line.urgency < 4 ? colors.cyan(text) : colors.dim(text);
}
