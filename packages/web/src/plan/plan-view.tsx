import type { BackfillPlan } from '@brimful/model';
import { List, Text } from '@mantine/core';
import { Section } from '../parts/section.tsx';
import { PlanCommands } from './plan-commands.tsx';
import { PlanEstimate } from './plan-estimate.tsx';
import { PlanGuards } from './plan-guards.tsx';
import { PlanImpact } from './plan-impact.tsx';
import { PlanStages } from './plan-stages.tsx';
import { PlanTables } from './plan-tables.tsx';

interface PlanViewProps {
  readonly plan: BackfillPlan;
  readonly acknowledged: ReadonlySet<string>;
  readonly onAcknowledge?: (id: string, accepted: boolean) => void;
}

/** A plan as it will be executed. */
export function PlanView({ plan, acknowledged, onAcknowledge }: PlanViewProps) {
  return (
    <>
      <PlanEstimate plan={plan} />
      <Text size="sm" className="quiet">
        = counted · ≈ measured on a part · ~ the source's statistics · ≥ at least
      </Text>
      <Section title="Guards" note="What was looked at before anything is touched.">
        <PlanGuards
          guards={plan.guards}
          acknowledged={acknowledged}
          {...(onAcknowledge === undefined ? {} : { onAcknowledge })}
        />
      </Section>
      {plan.alternatives.length > 0 && (
        <Section title="Cheaper ways">
          <List size="sm" withPadding>
            {plan.alternatives.map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
        </Section>
      )}
      <Section title="Impact" note="What it reads, rebuilds and swaps in. What is grey stays as it is.">
        <PlanImpact plan={plan} />
      </Section>
      <Section title="Stages" note="Exactly this is done, in this order.">
        <PlanStages stages={plan.stages} />
      </Section>
      <Section title="Tables">
        <PlanTables bindings={plan.bindings} />
      </Section>
      <Section title="The same elsewhere">
        <PlanCommands plan={plan} />
      </Section>
    </>
  );
}
