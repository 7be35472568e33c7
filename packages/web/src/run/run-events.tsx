import type { RunEvent } from '@brimful/model';
import { MomentText } from '../parts/moment-text.tsx';
import classes from './run-events.module.css';

/** What happened, and who did it. */
export function RunEvents({ events }: { readonly events: readonly RunEvent[] }) {
  if (events.length === 0) return <p className="quiet">Nothing has happened yet.</p>;
  return (
    <ol className={classes.events} tabIndex={0} aria-label="Events">
      {events.toReversed().map(({ at, who, what }, index) => (
        <li key={events.length - index}>
          <span className={classes.when}>
            <MomentText at={at} />
          </span>
          <span>{what}</span>
          {who !== 'system' && <span className="quiet">{who}</span>}
        </li>
      ))}
    </ol>
  );
}
