import type { Json, PlanBasis, Schema } from '@brimful/model';
import type { PlanFacts } from './plan-facts.ts';
import { holdOf, sharedSubject } from './run-hold.ts';

/**
 * What must still be so when the plan is applied. Entries are small and say what they are, so that a difference can be told
 * in words; nothing of a connector's configuration is in them. (Invariant 10)
 */
export function basisOf({ bindings, runs }: PlanFacts): PlanBasis {
  const entries = bindings.flatMap((binding): [string, Json][] => {
    const { collection, resource, sourceSchema, schema, generations, tables } = binding;
    const holder = runs.find(
      (run) => holdOf(run) !== null && sharedSubject([binding], run.plan.bindings) !== undefined,
    );
    const shape = sourceSchema ?? schema;
    return [
      [
        `the binding of ${collection}`,
        {
          resource,
          tables: tables.map(({ materialization, table, deletes, adopt }) => ({
            materialization,
            table,
            deletes,
            adopt,
          })),
        },
      ],
      [`the columns of ${collection}`, shape === null ? null : columnsOf(shape)],
      [`the key of ${collection}`, shape === null ? null : [...shape.key]],
      [`the generation of ${collection}`, generations.current],
      [`the newest generation of ${collection}`, generations.latest],
      [`the run that holds ${collection}`, holder?.id ?? null],
      ...tables.flatMap((table): [string, Json][] => [
        [`the generation of ${table.materialization}: ${table.table}`, table.generations.current.generation],
        [`the newest generation of ${table.materialization}: ${table.table}`, table.generations.latest],
      ]),
    ];
  });
  return Object.fromEntries(entries);
}

function columnsOf({ columns }: Schema): Json {
  return Object.fromEntries(
    columns.map(({ name, sourceType, nullable }) => [name, nullable ? sourceType : `${sourceType} not null`]),
  );
}

/** How what a plan rests on differs from what is so now, a sentence for each difference. Empty: nothing differs. */
export function driftOf(before: PlanBasis, now: PlanBasis): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.flatMap((name) => difference(name, before[name] ?? null, now[name] ?? null));
}

function difference(name: string, before: Json, now: Json): readonly string[] {
  if (sameJson(before, now)) return [];
  if (!isRecord(before) || !isRecord(now)) return [`${name} was ${text(before)} and is ${text(now)}`];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return fields.flatMap((field) => {
    const old = before[field];
    const present = now[field];
    if (old === undefined) return [`${name}: ${field} is new (${text(present ?? null)})`];
    if (present === undefined) return [`${name}: ${field} is gone (it was ${text(old)})`];
    return sameJson(old, present) ? [] : [`${name}: ${field} was ${text(old)} and is ${text(present)}`];
  });
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameJson(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, index) => sameJson(one, b[index] as Json));
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] as Json, b[key] as Json))
  );
}

function text(value: Json): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
