import type { Stage } from '@brimful/model';
import { Text } from '@mantine/core';
import { LazyDetails } from '../parts/lazy-details.tsx';
import { count } from '../words/quantity.ts';
import classes from './plan-stages.module.css';

interface PlanStagesProps {
  readonly stages: readonly Stage[];
  /** How far each is, on a run's page. */
  readonly isDone?: (stage: Stage) => boolean;
}

/** The very list that is executed. Steps of one level may run at once. */
export function PlanStages({ stages, isDone }: PlanStagesProps) {
  const levels = Map.groupBy(stages, ({ level }) => level);
  return (
    <ol className={classes.levels}>
      {[...levels].map(([level, steps]) => (
        <li key={level}>
          {levelOf(steps).map(([kind, same]) => (
            <div
              key={kind}
              className={classes.step}
              data-done={same.every((stage) => isDone?.(stage) ?? false) || undefined}
            >
              <span className={classes.kind}>{kind}</span>
              <Steps steps={same} />
            </div>
          ))}
        </li>
      ))}
    </ol>
  );
}

const SHOWN = 4;

/** A thousand tables take the same step: some are enough to understand it. */
function Steps({ steps }: { readonly steps: readonly Stage[] }) {
  if (steps.length <= SHOWN) return <Sentences steps={steps} />;
  return (
    <div>
      <Sentences steps={steps.slice(0, SHOWN - 1)} />
      <LazyDetails summary={`and ${count(steps.length - SHOWN + 1)} more of the same kind`}>
        {() => <Sentences steps={steps.slice(SHOWN - 1)} />}
      </LazyDetails>
    </div>
  );
}

function Sentences({ steps }: { readonly steps: readonly Stage[] }) {
  return (
    <div>
      {steps.map(({ subject, sentence }) => (
        <Text key={`${subject} ${sentence}`} size="sm">
          {sentence}
        </Text>
      ))}
    </div>
  );
}

function levelOf(steps: readonly Stage[]): readonly (readonly [string, readonly Stage[]])[] {
  return [...Map.groupBy(steps, ({ kind }) => kind)];
}
