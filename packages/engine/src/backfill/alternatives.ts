import type { RunRequest, Schema } from '@brimful/model';
import { compareSchemas } from '@brimful/model';
import { fitsAsItIs } from './guards-data.ts';
import type { BindingFacts, PlanFacts } from './plan-facts.ts';

/** "not needed, because …" and cheaper ways to the same end. */
export function alternativesOf(request: RunRequest, { bindings }: PlanFacts): readonly string[] {
  return bindings.flatMap((binding) => [
    ...notNeeded(request, binding),
    ...(request.mode === 'reset' ? insteadOfReset(binding) : []),
    ...(request.mode === 'incremental' && request.scope.kind === 'all' ? insteadOfWhole(binding) : []),
    ...(request.mode === 'incremental' && request.scope.kind !== 'all' ? insteadOfBound(binding) : []),
  ]);
}

function notNeeded({ mode }: RunRequest, { collection, phase, survey }: BindingFacts): readonly string[] {
  if (mode !== 'materialization' && (phase === 'joining' || phase === 'backfilling' || phase === 'filling'))
    return [`Not needed for ${collection}, because its first read is still under way.`];
  if (survey !== null && survey.rows.value === 0 && survey.rows.quality === 'exact')
    return [`Not needed for ${collection}, because no row is in scope.`];
  return [];
}

function insteadOfReset(binding: BindingFacts): readonly string[] {
  const { collection, survey, schema, phase, tables } = binding;
  const lines: string[] = [];
  // Nothing is said of what was: the stream may have brought another type already, which everything here took.
  const fits =
    survey !== null &&
    schema !== null &&
    compareSchemas(schema, survey.schema).length === 0 &&
    fitsAsItIs(binding, survey.schema);
  const time = timeColumn(survey?.schema ?? schema);
  if (fits && phase !== 'gap') {
    lines.push(
      time === undefined
        ? `${collection} and its tables have the columns of the source: --mode incremental reads it again and writes only what differs.`
        : `${collection} and its tables have the columns of the source: if only some rows are wrong, --mode incremental --time ${time} --from … reads only those.`,
    );
  }
  if (tables.length > 0 && phase !== 'gap')
    lines.push(
      `If ${collection} itself is right and only a table made of it is not, --mode materialization rebuilds that without touching the source.`,
    );
  return lines;
}

function insteadOfWhole({ collection, survey, schema, phase }: BindingFacts): readonly string[] {
  const time = timeColumn(survey?.schema ?? schema);
  if (phase === 'gap' || time === undefined) return [];
  return [`If only some rows of ${collection} are wrong, bound it: --time ${time} --from … --to ….`];
}

/** What a gap needs that a bound does not give. */
function insteadOfBound({ collection, phase, isCutOff }: BindingFacts): readonly string[] {
  if (phase !== 'gap' || isCutOff) return [];
  return [
    `${collection} has lost changes, anywhere: --mode incremental without bounds is the smallest run that mends it.`,
  ];
}

/** The one that is most likely to say when a row came to be. */
function timeColumn(schema: Schema | null | undefined): string | undefined {
  const times = schema?.columns.filter(({ type }) => type.kind === 'timestamp' || type.kind === 'date') ?? [];
  return (times.find(({ name }) => /creat|insert|enter/iu.test(name)) ?? times[0])?.name;
}
