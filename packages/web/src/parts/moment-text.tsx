import { useClock } from '../app/clock.tsx';
import { moment } from '../words/moment.ts';

/** A time in the reader's zone; the title has it in UTC for copying. */
export function MomentText({ at }: { readonly at: number | null | undefined }) {
  const { zone } = useClock();
  if (at === null || at === undefined) return <span>–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {moment(at, zone)}
    </time>
  );
}
