import { holdOf } from '@brimful/engine';
import type { BindingPlan, CaptureSpec, MaterializationSpec, Run, Spec } from '@brimful/model';
import { defaultTable, isDiscovered } from '@brimful/model';

/** Why a catalog cannot be applied while these runs are as they are: it takes from them what they work on. */
export function heldByRuns(runs: readonly Run[], spec: Spec): readonly string[] {
  return runs.flatMap((run) => {
    if (holdOf(run) === null) return [];
    const lost = run.plan.bindings.flatMap((binding) => lostOf(run, binding, spec));
    const [first, ...others] = lost;
    if (first === undefined) return [];
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return [`${run.id} holds ${first}${more}, and is ${run.state}: wait until it is done, or cancel it.`];
  });
}

/** What a catalog takes from runs that could still be undone: what they keep for it is not removed while their tables are gone. */
export function undoTaken(runs: readonly Run[], spec: Spec): readonly string[] {
  return runs.flatMap((run) => {
    if (run.undoUntil === null || holdOf(run) !== null) return [];
    const [first] = run.plan.bindings.flatMap((binding) => lostOf(run, binding, spec));
    if (first === undefined) return [];
    return [
      `${run.id} can still be undone, and keeps earlier tables for it: they stay while ${first} is not there.`,
    ];
  });
}

function lostOf(run: Run, { collection, resource, tables }: BindingPlan, spec: Spec): readonly string[] {
  const isCaptured =
    resource === null || spec.captures.some((capture) => isFilledBy(capture, resource, collection));
  const gone = tables.filter(
    ({ materialization, table }) =>
      !spec.materializations.some(
        (one) => one.name === materialization && isFed(one, collection, table, spec),
      ),
  );
  return [
    ...(isCaptured ? [] : [collection]),
    ...gone.map(({ materialization, table }) => `${materialization}: ${table}`),
  ];
}

function isFilledBy({ bindings, autoDiscover }: CaptureSpec, resource: string, collection: string): boolean {
  const named = bindings.find((binding) => binding.resource === resource);
  if (named !== undefined) return named.target === collection;
  if (autoDiscover === undefined) return false;
  return isDiscovered(resource, autoDiscover) && collection.startsWith(`${autoDiscover.prefix}/`);
}

function isFed(
  { bindings, source }: MaterializationSpec,
  collection: string,
  table: string,
  { captures }: Spec,
): boolean {
  const named = bindings.find((binding) => binding.source === collection);
  if (named !== undefined) return named.table === table;
  return captures.some(({ name }) => name === source) && defaultTable(collection) === table;
}
