import type { ProblemRecord, RuntimeStatus } from '@brimful/model';
import { Stack, Text } from '@mantine/core';
import { ProblemNote } from '../parts/problem-note.tsx';

interface PlacedProblem {
  readonly where: string;
  readonly problem: ProblemRecord;
}

const SHOWN = 8;

/** Everything that says it has one, tasks before their tables. */
export function problemsOf({ captures, materializations }: RuntimeStatus): readonly PlacedProblem[] {
  const tasks = [...captures, ...materializations];
  const place = (where: string, problem: ProblemRecord | undefined): readonly PlacedProblem[] =>
    problem === undefined ? [] : [{ where, problem }];
  return [
    ...tasks.flatMap(({ name, problem }) => place(name, problem)),
    ...captures.flatMap(({ name, bindings }) =>
      bindings.flatMap(({ resource, problem }) => place(`${name}: ${resource}`, problem)),
    ),
    ...materializations.flatMap(({ name, bindings }) =>
      bindings.flatMap(({ table, problem }) => place(`${name}: ${table}`, problem)),
    ),
  ];
}

export function ProblemList({ problems }: { readonly problems: readonly PlacedProblem[] }) {
  return (
    <Stack gap="xs">
      {problems.slice(0, SHOWN).map(({ where, problem }) => (
        <ProblemNote key={where} problem={problem} title={where} />
      ))}
      {problems.length > SHOWN && <Text size="sm">And {problems.length - SHOWN} more.</Text>}
    </Stack>
  );
}
