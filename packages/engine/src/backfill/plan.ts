import type { BackfillPlan, BindingPlan, Json, RunRequest, TablePlan } from '@brimful/model';
import { alternativesOf } from './alternatives.ts';
import { bytesOf, estimateOf, rowsOf } from './estimate.ts';
import { guardsOf, swapsTables } from './guards.ts';
import { basisOf } from './plan-basis.ts';
import type { BindingFacts, PlanFacts, TableFacts } from './plan-facts.ts';
import { sourceOf } from './plan-facts.ts';
import type { StageNode } from './stages.ts';
import { stagesOf } from './stages.ts';

/** A plan promises for so long. */
export const PLAN_MILLISECONDS = 24 * 3_600_000;

/** The plan of a request under these facts. Equal requests under equal facts give equal plans, but for when they were made. */
export async function planOf(request: RunRequest, facts: PlanFacts): Promise<BackfillPlan> {
  const estimate = estimateOf(request, facts);
  const bindings = facts.bindings.map((binding) => bindingPlan(request, binding));
  const stages = stagesOf(request, nodesOf(request, bindings));
  const basis = basisOf(facts);
  const statistics = facts.bindings
    .map(({ survey }) => survey?.statisticsAt ?? null)
    .filter((at) => at !== null);
  return {
    id: await planId({ request, basis, stages }),
    createdAt: facts.now,
    expiresAt: facts.now + PLAN_MILLISECONDS,
    request,
    basis,
    seen: {
      position: sourceOf(facts)?.position ?? null,
      statisticsAt: statistics.length === 0 ? null : Math.min(...statistics),
    },
    bindings,
    stages,
    estimate,
    guards: guardsOf(request, facts, estimate),
    alternatives: alternativesOf(request, facts),
  };
}

function bindingPlan(request: RunRequest, binding: BindingFacts): BindingPlan {
  const { survey, schema, generations } = binding;
  const isReset = request.mode === 'reset';
  return {
    collection: binding.collection,
    resource: binding.resource,
    generation: {
      from: generations.current,
      to: isReset ? generations.latest + 1 : generations.current,
    },
    schema: (isReset ? survey?.schema : schema) ?? survey?.schema ?? { version: 1, columns: [], key: [] },
    tables: binding.tables.map((table) => tablePlan(request, table)),
    rows: rowsOf(binding),
    bytes: bytesOf(binding),
    readShape: survey?.readShape ?? 'the collection’s history, folded to one row a key',
    firstRow: survey?.firstRow ?? null,
    lastRow: survey?.lastRow ?? null,
  };
}

function tablePlan(
  request: RunRequest,
  { materialization, table, generations, survey }: TableFacts,
): TablePlan {
  const from = generations.current.generation;
  return {
    materialization,
    table,
    generation: { from, to: swapsTables(request) ? generations.latest + 1 : from },
    rows: survey?.rows ?? null,
    bytes: survey?.bytes ?? null,
    dependents: survey?.dependents ?? [],
  };
}

function nodesOf(request: RunRequest, bindings: readonly BindingPlan[]): readonly StageNode[] {
  return bindings.flatMap((binding): StageNode[] => {
    const { collection, resource, generation } = binding;
    const rows = rowsText(request, binding);
    const root: StageNode = {
      id: collection,
      kind: 'collection',
      needs: [],
      subject: collection,
      words: {
        source: resource ?? collection,
        rows,
        result:
          generation.from === generation.to ? collection : `generation ${generation.to} of ${collection}`,
      },
    };
    const tables = binding.tables.map(({ materialization, table, generation: edition }): StageNode => {
      const subject = `${materialization}: ${table}`;
      return {
        id: subject,
        kind: 'table',
        needs: [collection],
        subject,
        words: {
          source: root.words.result,
          rows,
          result:
            edition.from === edition.to
              ? `table ${table} of ${materialization}`
              : `generation ${edition.to} of table ${table} of ${materialization}`,
        },
      };
    });
    return [root, ...tables];
  });
}

function rowsText({ columns }: RunRequest, { rows }: BindingPlan): string {
  const about = rows.quality === 'exact' ? '' : rows.quality === 'at least' ? 'at least ' : 'about ';
  const of = columns === null ? '' : ` (only ${columns.join(', ')})`;
  return `${about}${Math.round(rows.value).toLocaleString('en-US')} rows${of}`;
}

/** `plan-` and the first 12 hex digits of the SHA-256 over what is promised. */
async function planId(promise: object): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(JSON.parse(JSON.stringify(promise)) as Json));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `plan-${hex}`;
}

/** Keys sorted, no spaces: equal values have equal text. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`;
}
