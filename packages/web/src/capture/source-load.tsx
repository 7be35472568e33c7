import type { CaptureStatus, SourceHealthStatus, SourceLoadStatus, SourceReading } from '@brimful/model';
import { Link } from '@tanstack/react-router';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { ago } from '../words/moment.ts';
import { byteRate, bytes, count, lag } from '../words/quantity.ts';
import { latency, replicaWords, throttleWords } from './source-words.ts';

/** What reading costs the source, and what holds it back. */
export function SourceLoad({ capture }: { readonly capture: CaptureStatus }) {
  const { load } = capture;
  return (
    <Section title="Source load" note="What the source bears because of Brimful, and what is done about it.">
      <Facts>
        <LogFacts capture={capture} health={load?.health ?? null} />
        {load !== undefined && <LoadFacts load={load} />}
        <Fact name="Position" note="durable up to here">
          <span className="mono" style={{ fontSize: 'var(--mantine-font-size-sm)' }}>
            {capture.position ?? 'none yet'}
          </span>
        </Fact>
      </Facts>
      {load !== undefined && load.readings.length > 0 && (
        <DataTable
          label="Who reads the source"
          columns={COLUMNS}
          rows={load.readings}
          rowKey={({ token }) => token}
          maxHeight={260}
        />
      )}
    </Section>
  );
}

function LogFacts({
  capture,
  health,
}: {
  readonly capture: CaptureStatus;
  readonly health: SourceHealthStatus | null;
}) {
  const { lagBytes, lagMilliseconds } = capture;
  const retained = health?.retainedBytes ?? null;
  const headroom = health?.headroomBytes ?? null;
  return (
    <>
      <Fact
        name="Slot lag"
        note={lagBytes === undefined ? 'not connected' : `${bytes(lagBytes)} of log not journaled yet`}
      >
        {lag(lagMilliseconds)}
      </Fact>
      <Fact
        name="Log it keeps for us"
        note={
          health === null
            ? 'measured while it is read'
            : headroom === null
              ? 'without a limit that it says'
              : `gives the slot up after ${bytes(headroom)} more`
        }
      >
        {bytes(retained)}
      </Fact>
    </>
  );
}

function LoadFacts({ load }: { readonly load: SourceLoadStatus }) {
  const { health, bytesPerSecond, ceilingBytesPerSecond, readers, probe } = load;
  const throttle = throttleWords(load);
  const replica = replicaWords(health);
  return (
    <>
      <Fact
        name="A look-up takes"
        note={
          load.baselineMilliseconds === null
            ? 'measured while it is read'
            : `${latency(load.baselineMilliseconds)} without us`
        }
      >
        {probe === 'not needed' ? '–' : latency(load.lookUpMilliseconds)}
      </Fact>
      <Fact
        name="Sessions at work"
        note={
          health === null
            ? 'measured while it is read'
            : `ours not counted, ${ago(health.at, load.at)}${health.processors === null ? '' : `; ${health.processors} processors`}`
        }
      >
        {count(health?.activeSessions)}
      </Fact>
      {replica !== null && <Fact name="Slowest replica">{replica}</Fact>}
      <Fact name="Reads" note={`of ${byteRate(ceilingBytesPerSecond)} it may, ${readers} at once`}>
        {byteRate(bytesPerSecond)}
      </Fact>
      <Fact name="Throttle in force" note={throttle.why}>
        <StateMark state={throttle.state} label={throttle.word} />
      </Fact>
    </>
  );
}

const COLUMNS: readonly DataColumn<SourceReading>[] = [
  {
    id: 'token',
    header: 'Reads',
    cell: ({ token }) =>
      token.startsWith('run-') ? (
        <Link to="/runs/$id" params={{ id: token }} className="plain">
          {token}
        </Link>
      ) : (
        token
      ),
  },
  {
    id: 'state',
    header: 'State',
    cell: ({ state }) => (
      <StateMark
        state={state === 'free' ? 'running' : 'throttled'}
        label={state === 'free' ? 'freely' : state}
      />
    ),
  },
  {
    id: 'rate',
    header: 'Rate',
    align: 'right',
    order: ({ bytesPerSecond }) => bytesPerSecond,
    cell: ({ bytesPerSecond }) => byteRate(bytesPerSecond),
  },
  {
    id: 'readers',
    header: 'Open readers',
    align: 'right',
    cell: ({ openReaders }) => openReaders,
  },
  {
    id: 'why',
    header: 'Why',
    cell: ({ reason }) => reason ?? <span className="quiet">nothing holds it</span>,
  },
];
