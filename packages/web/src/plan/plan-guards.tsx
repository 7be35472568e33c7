import type { Guard } from '@brimful/model';
import { Checkbox, Text } from '@mantine/core';
import { LazyDetails } from '../parts/lazy-details.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import classes from './plan-guards.module.css';

const LEVEL_WORDS: Readonly<Record<Guard['level'], string>> = {
  block: 'Blocks',
  confirm: 'Confirm',
  warn: 'Mind',
  ok: 'Fine',
};
const ORDER: readonly Guard['level'][] = ['block', 'confirm', 'warn', 'ok'];

interface PlanGuardsProps {
  readonly guards: readonly Guard[];
  readonly acknowledged: ReadonlySet<string>;
  /** Absent: only shown. */
  readonly onAcknowledge?: (id: string, accepted: boolean) => void;
}

/** What was looked at before the run, what was found, and what has to be said yes to. One line for each kind. */
export function PlanGuards({ guards, acknowledged, onAcknowledge }: PlanGuardsProps) {
  const kinds = [...Map.groupBy(guards, ({ id, level }) => `${level} ${id}`).values()].toSorted(
    ([left], [right]) => ORDER.indexOf(left?.level ?? 'ok') - ORDER.indexOf(right?.level ?? 'ok'),
  );
  if (kinds.length === 0) return <Text size="sm">Nothing stands against it.</Text>;
  return (
    <ul className={classes.guards}>
      {kinds.map((same) => (
        <GuardKind
          key={`${same[0]?.level} ${same[0]?.id}`}
          same={same}
          accepted={acknowledged.has(same[0]?.id ?? '')}
          {...(onAcknowledge === undefined ? {} : { onAcknowledge })}
        />
      ))}
    </ul>
  );
}

interface GuardKindProps {
  readonly same: readonly Guard[];
  readonly accepted: boolean;
  readonly onAcknowledge?: (id: string, accepted: boolean) => void;
}

function GuardKind({ same, accepted, onAcknowledge }: GuardKindProps) {
  const [first] = same;
  if (first === undefined) return null;
  const { level, id, message, remedy } = first;
  const text = same.length === 1 ? message : `${message} And ${same.length - 1} more tables alike.`;
  return (
    <li>
      <span className={classes.level}>
        <StateMark state={level} label={LEVEL_WORDS[level]} />
      </span>
      <div>
        {level === 'confirm' && onAcknowledge !== undefined ? (
          <Checkbox
            label={text}
            checked={accepted}
            onChange={(event) => onAcknowledge(id, event.currentTarget.checked)}
          />
        ) : (
          <Text size="sm">{text}</Text>
        )}
        {remedy !== null && (
          <Text size="sm" className="quiet">
            {remedy}
          </Text>
        )}
        <LazyDetails summary="Evidence">
          {() =>
            same.map(({ subject, evidence }) => (
              <Text key={subject} size="xs" className="mono">
                {subject}: {evidence}
              </Text>
            ))
          }
        </LazyDetails>
      </div>
    </li>
  );
}
