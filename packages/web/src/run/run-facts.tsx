import type { Run } from '@brimful/model';
import { Fact, Facts } from '../parts/fact.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { byteRate, bytes, count, duration, rowRate } from '../words/quantity.ts';
import { runProgress } from './run-progress.ts';
import { verdictOf } from './run-verdict.ts';

/** Where the run is; when it is over, what came of it. */
export function RunFacts({ run }: { readonly run: Run }) {
  if (run.report !== null) return <Final run={run} />;
  return run.state === 'swapped' || run.state === 'undone' ? <Kept run={run} /> : <Underway run={run} />;
}

/** All is read and compared; it is over when it cannot be taken back any more, and then has its report. */
function Kept({ run }: { readonly run: Run }) {
  const progress = runProgress(run);
  const verdict = verdictOf(run);
  const swappedAt = run.events.findLast(({ what }) => what === 'swapped')?.at ?? null;
  const deleted = run.bindings.reduce((sum, binding) => sum + binding.deleted, 0);
  return (
    <Facts>
      <Fact name="Verdict" note={howCompared(run)}>
        {verdict === null ? 'not verified' : <StateMark state={verdict} />}
      </Fact>
      <Fact name="Took" note="from its start to the swap">
        {duration(run.startedAt === null || swappedAt === null ? null : (swappedAt - run.startedAt) / 1000)}
      </Fact>
      <Fact name="Rows" note={`about ${count(progress.rowsEstimated)} expected`}>
        {count(progress.rowsRead)}
      </Fact>
      <Fact name="Bytes">{bytes(progress.bytesRead)}</Fact>
      <Fact name="Removed" note="rows the source no longer has">
        {count(deleted)}
      </Fact>
      <Fact name="Both generations" note="follow the source meanwhile">
        {run.undoUntil === null ? (
          'not kept'
        ) : (
          <>
            until <MomentText at={run.undoUntil} />
          </>
        )}
      </Fact>
    </Facts>
  );
}

function howCompared({ plan }: Run): string {
  return plan.request.verify === 'full' ? 'every row compared' : 'rows counted';
}

function Underway({ run }: { readonly run: Run }) {
  const progress = runProgress(run);
  const { seconds } = run.plan.estimate;
  const deleted = run.bindings.reduce((sum, binding) => sum + binding.deleted, 0);
  return (
    <Facts>
      <Fact name="Rows read" note={`of about ${count(progress.rowsEstimated)}`}>
        {count(progress.rowsRead)}
      </Fact>
      <Fact name="Rate" note={bytes(progress.bytesRead)}>
        {rowRate(progress.rowsPerSecond)}
      </Fact>
      <Fact name="Time left" note={`planned ${duration(seconds.from)} – ${duration(seconds.to)} in all`}>
        {progress.etaSeconds === null ? 'not known yet' : duration(progress.etaSeconds)}
      </Fact>
      <Fact name="Tables" note="read and ready">
        {progress.tablesDone} / {run.bindings.length}
      </Fact>
      <Fact
        name="Throttle"
        note={
          run.throttle.readers === null
            ? 'readers as the governor sees fit'
            : `${run.throttle.readers} readers`
        }
      >
        {run.throttle.bytesPerSecond === null ? 'Governor' : byteRate(run.throttle.bytesPerSecond)}
      </Fact>
      <Fact name="Removed" note="rows the source no longer has">
        {count(deleted)}
      </Fact>
    </Facts>
  );
}

function Final({ run }: { readonly run: Run }) {
  const { report } = run;
  if (report === null) return null;
  const ratio = (value: number | null): string =>
    value === null ? 'no estimate' : `estimate was ${value.toFixed(2)} × that`;
  return (
    <Facts>
      <Fact name="Verdict" note={howCompared(run)}>
        {report.verdict === null ? 'not verified' : <StateMark state={report.verdict} />}
      </Fact>
      <Fact name="Took" note={ratio(report.secondsRatio)}>
        {duration(report.seconds)}
      </Fact>
      <Fact name="Rows" note={ratio(report.rowsRatio)}>
        {count(report.rows)}
      </Fact>
      <Fact name="Bytes">{bytes(report.bytes)}</Fact>
      <Fact name="Removed" note="rows the source no longer has">
        {count(report.deleted)}
      </Fact>
      <Fact name="Readers waited" note="the longest, for a swap">
        {report.swapMilliseconds === null ? 'never' : `${report.swapMilliseconds} ms`}
      </Fact>
    </Facts>
  );
}
