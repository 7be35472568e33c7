import type { RuntimeStatus } from '@brimful/model';
import { Button, Group, Stepper, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { PlanApproval } from '../plan/plan-approval.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { ModeStep } from './mode-step.tsx';
import { OptionsStep } from './options-step.tsx';
import { ScopeStep } from './scope-step.tsx';
import type { WizardForm } from './wizard-form.ts';
import { draftOf, EMPTY_FORM, missingIn } from './wizard-form.ts';

/** What a link into the wizard has chosen already. */
export interface WizardStart {
  readonly task?: string;
  readonly binding?: string;
  readonly mode?: string;
}

const PLAN_STEP = 3;

export function WizardPage() {
  const start = useSearch({ from: '/backfill' });
  // A link from elsewhere begins anew.
  return (
    <WithStatus>
      {(status) => <Wizard key={JSON.stringify(start)} status={status} start={start} />}
    </WithStatus>
  );
}

function formOf({ task, binding, mode }: WizardStart): WizardForm {
  return {
    ...EMPTY_FORM,
    task: task ?? null,
    bindings: binding === undefined ? [] : [binding],
    mode: mode === 'incremental' || mode === 'materialization' ? mode : 'reset',
    // As when it is chosen here. Who comes from one table may mean all of it.
    rows: mode === 'incremental' && binding === undefined ? 'time' : 'all',
  };
}

function Wizard({ status, start }: { readonly status: RuntimeStatus; readonly start: WizardStart }) {
  const [form, setForm] = useState<WizardForm>(() => formOf(start));
  const [step, setStep] = useState(start.mode === undefined ? 0 : 1);
  const client = useClient();
  const planning = useMutation({ mutationFn: () => client.plan(draftOf(form)) });
  const change = (part: Partial<WizardForm>): void => {
    setForm((before) => ({ ...before, ...part }));
    planning.reset();
  };
  const missing = missingIn(form);
  const toPlan = (): void => {
    setStep(PLAN_STEP);
    planning.mutate();
  };
  const move = (next: number): void => {
    if (next < PLAN_STEP) setStep(next);
    else if (missing === null) toPlan();
  };
  return (
    <Page
      title="Backfill"
      state={planning.data === undefined ? 'Choose' : 'Plan'}
      sentence="Nothing changes before you publish the plan."
    >
      <Steps
        form={form}
        status={status}
        step={step}
        isPlanning={planning.isPending}
        onChange={change}
        onMove={move}
      />
      {step === PLAN_STEP && planning.error !== null && <ProblemNote problem={problemOf(planning.error)} />}
      {step === PLAN_STEP && planning.isPending && (
        <Text role="status">Looking at the source and the destinations. Nothing is changed.</Text>
      )}
      {step === PLAN_STEP && planning.data !== undefined ? (
        <PlanApproval
          plan={planning.data}
          word="Save and publish"
          actions={
            <Button variant="default" onClick={() => setStep(PLAN_STEP - 1)}>
              Back
            </Button>
          }
        />
      ) : (
        <Group>
          {step > 0 && (
            <Button variant="default" onClick={() => setStep(step - 1)}>
              Back
            </Button>
          )}
          {step < PLAN_STEP && (
            <Button disabled={step === PLAN_STEP - 1 && missing !== null} onClick={() => move(step + 1)}>
              {step === PLAN_STEP - 1 ? 'Preview plan' : 'Next'}
            </Button>
          )}
          {step === PLAN_STEP - 1 && missing !== null && (
            <Text size="sm" className="quiet">
              {missing}
            </Text>
          )}
        </Group>
      )}
    </Page>
  );
}

interface StepsProps {
  readonly form: WizardForm;
  readonly status: RuntimeStatus;
  readonly step: number;
  readonly isPlanning: boolean;
  readonly onChange: (part: Partial<WizardForm>) => void;
  readonly onMove: (step: number) => void;
}

function Steps({ form, status, step, isPlanning, onChange, onMove }: StepsProps) {
  return (
    <Stepper active={step} onStepClick={onMove} size="sm">
      <Stepper.Step label="What for">
        <ModeStep form={form} onChange={onChange} />
      </Stepper.Step>
      <Stepper.Step label="Which rows">
        <ScopeStep form={form} status={status} onChange={onChange} />
      </Stepper.Step>
      <Stepper.Step label="How">
        <OptionsStep form={form} onChange={onChange} />
      </Stepper.Step>
      <Stepper.Step label="Plan" loading={isPlanning} />
    </Stepper>
  );
}
