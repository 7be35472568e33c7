import type { Alert } from '@brimful/model';
import { alertPath } from '@brimful/model';
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { MomentText } from '../parts/moment-text.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { ago } from '../words/moment.ts';
import { deliveryWords } from './alert-words.ts';
import classes from './alert-row.module.css';

/** One alert: what is so, since when, what to do about it, and who was told. */
export function AlertRow({ alert, now }: { readonly alert: Alert; readonly now: number }) {
  const { severity, sentence, remedy, kind, raisedAt, clearedAt, acknowledged, delivery } = alert;
  const told = deliveryWords(delivery);
  return (
    <li className={classes.alert} data-severity={clearedAt === null ? severity : 'over'}>
      <div className={classes.body}>
        <div className={classes.head}>
          <StateMark state={clearedAt === null ? severity : 'over'} />
          <span className="quiet">{kind}</span>
        </div>
        <div className={classes.sentence}>
          <Link to={alertPath(alert.subject) as never} className="plain">
            {sentence}
          </Link>
        </div>
        {remedy !== null && clearedAt === null && <div className={classes.remedy}>{remedy}</div>}
        <div className={classes.notes}>
          <span>
            since <MomentText at={raisedAt} /> ({ago(raisedAt, now)})
          </span>
          {clearedAt !== null && (
            <span>
              over <MomentText at={clearedAt} />
            </span>
          )}
          {acknowledged !== null && (
            <span>
              seen by {acknowledged.who} <MomentText at={acknowledged.at} />
            </span>
          )}
          {told !== null && <span>{told}</span>}
        </div>
      </div>
      {clearedAt === null && acknowledged === null && <Acknowledge alert={alert} />}
    </li>
  );
}

function Acknowledge({ alert }: { readonly alert: Alert }) {
  const client = useClient();
  const asked = useMutation({ mutationFn: () => client.acknowledge(alert.id) });
  return (
    <div className={classes.verb}>
      <Button
        size="compact-sm"
        variant="default"
        loading={asked.isPending}
        onClick={() => asked.mutate()}
        aria-label={`Acknowledge: ${alert.sentence}`}
      >
        Acknowledge
      </Button>
      {asked.error !== null && (
        <div role="alert" className={classes.remedy}>
          {problemOf(asked.error).message}
        </div>
      )}
    </div>
  );
}
