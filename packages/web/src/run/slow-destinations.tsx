import type { Run } from '@brimful/model';
import { Text } from '@mantine/core';
import { NameLink } from '../parts/name-link.tsx';
import { useLive } from '../server/server-context.tsx';
import { duration } from '../words/quantity.ts';

/** Behind by less, a destination is not what a run waits for. */
const BEHIND_MILLISECONDS = 10_000;

/** Why a run that has read everything does not end: a destination it needs is far behind. */
export function SlowDestinations({ run }: { readonly run: Run }) {
  const { status } = useLive();
  const wanted = new Set(
    run.plan.bindings.flatMap(({ tables }) => tables.map(({ materialization }) => materialization)),
  );
  const slow = (status?.materializations ?? []).filter(
    ({ name, lagMilliseconds = 0 }) => wanted.has(name) && lagMilliseconds >= BEHIND_MILLISECONDS,
  );
  return slow.map(({ name, lagMilliseconds = 0 }) => (
    <Text key={name} size="sm" role="status">
      Waits for <NameLink kind="materialization" name={name} />, which is {duration(lagMilliseconds / 1000)}{' '}
      behind.
    </Text>
  ));
}
