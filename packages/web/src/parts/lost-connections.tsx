import type { CaptureStatus } from '@brimful/model';
import { ago } from '../words/moment.ts';
import { count } from '../words/quantity.ts';
import { Fact } from './fact.tsx';

/** How often the connection of a task was lost, and why it was the last time. */
export function LostConnections({
  task: { retries = 0, lastProblem },
  now,
}: {
  readonly task: Pick<CaptureStatus, 'retries' | 'lastProblem'>;
  readonly now: number;
}) {
  const note =
    lastProblem === undefined
      ? 'since the start'
      : `${ago(lastProblem.at, now)}: ${lastProblem.problem.message}`;
  return (
    <Fact name="Lost connections" note={note}>
      {count(retries)}
    </Fact>
  );
}
