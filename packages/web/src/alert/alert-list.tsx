import type { Alert } from '@brimful/model';
import { AlertRow } from './alert-row.tsx';
import classes from './alert-row.module.css';

/** `most`: the rest is counted. */
export function AlertList({
  alerts,
  now,
  label,
  most = Number.POSITIVE_INFINITY,
}: {
  readonly alerts: readonly Alert[];
  readonly now: number;
  readonly label: string;
  readonly most?: number;
}) {
  return (
    <>
      <ul className={classes.list} aria-label={label}>
        {alerts.slice(0, most).map((alert) => (
          <AlertRow key={alert.number} alert={alert} now={now} />
        ))}
      </ul>
      {alerts.length > most && <p>And {alerts.length - most} more.</p>}
    </>
  );
}
