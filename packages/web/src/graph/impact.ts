import type { BackfillPlan, BindingPlan, RunMode, RuntimeStatus, TablePlan } from '@brimful/model';
import { count } from '../words/quantity.ts';
import type { FlowGraph, FlowNodeType } from './flow-graph.ts';
import { edge, node } from './flow-graph.ts';

/** More would not be read as a picture; the list beside it has them all. */
const SHOWN_TOUCHED = 8;
const SHOWN_OTHERS = 4;

/** What a run does to each node of the whole graph. What is not named, it leaves alone. */
export function impactNotes({ request, bindings }: BackfillPlan): ReadonlyMap<string, string> {
  const { mode, task } = request;
  const notes = new Map<string, string>();
  if (mode !== 'materialization') notes.set(`capture ${task}`, readNote(bindings.length));
  for (const binding of bindings)
    notes.set(`collection ${binding.collection}`, collectionNote(mode, binding));
  const tables = Map.groupBy(
    bindings.flatMap((binding) => binding.tables),
    ({ materialization }) => materialization,
  );
  for (const [materialization, its] of tables)
    notes.set(`materialization ${materialization}`, `${tablesOf(its.length)} ${tableNote(its[0])}`);
  return notes;
}

/** The same as sentences. */
export function impactWords(plan: BackfillPlan, status: RuntimeStatus | null): readonly string[] {
  const { request, bindings } = plan;
  const tables = bindings.flatMap((binding) => binding.tables);
  const [first] = bindings;
  const others = othersOf(plan, status).length;
  return [
    ...(request.mode === 'materialization'
      ? ['The source is not read.']
      : [`${request.task} is read: ${tablesOf(bindings.length)}.`]),
    ...(first === undefined
      ? []
      : [
          `${bindings.length === 1 ? first.collection : `${count(bindings.length)} collections`}: ${collectionNote(request.mode, first, bindings.length > 1)}.`,
        ]),
    ...[...Map.groupBy(tables, ({ materialization }) => materialization)].map(
      ([materialization, its]) =>
        `${materialization}: ${its.length === 1 ? `table ${its[0]?.table}` : tablesOf(its.length)} ${tableNote(its[0])}.`,
    ),
    ...(tables.length === 0 ? ['No destination has a table of it.'] : []),
    others === 0
      ? 'Nothing else of this source is there.'
      : `${count(others)} other collections of this source stay as they are.`,
  ];
}

/** Source, collections and destination tables of a plan, and some of what it leaves alone. */
export function impactGraph(plan: BackfillPlan, status: RuntimeStatus | null): FlowGraph {
  const { request, bindings } = plan;
  const { mode } = request;
  const capture = captureOf(plan, status);
  const source =
    capture === undefined
      ? []
      : [
          mode === 'materialization'
            ? left('capture', capture, 'not read')
            : hit('capture', capture, capture, 'running', readNote(bindings.length)),
        ];
  const shown = bindings.slice(0, SHOWN_TOUCHED);
  const others = othersOf(plan, status);
  const collections = [
    ...shown.map((binding) =>
      hit('collection', binding.collection, binding.collection, 'reading', collectionNote(mode, binding)),
    ),
    ...more('collection', bindings.length - shown.length, 'more like these', true),
    ...others
      .slice(0, SHOWN_OTHERS)
      .map(({ collection }) => left('collection', collection, 'stays as it is')),
    ...more('collection', others.length - SHOWN_OTHERS, 'more stay as they are', false),
  ];
  const tables = shown.flatMap((binding) =>
    binding.tables.map((table) => ({
      from: `collection ${binding.collection}`,
      node: hit(
        'materialization',
        table.materialization,
        table.table,
        'building',
        `${table.materialization}: ${isExchanged(table) ? 'swapped in' : 'merged'}`,
        tableId(table),
      ),
    })),
  );
  return {
    nodes: [...source, ...collections, ...tables.map((table) => table.node)],
    edges: [
      ...source.flatMap(({ id, data }) =>
        collections.map((one) => edge(id, one.id, data.touched && one.data.touched)),
      ),
      ...tables.map((table) => edge(table.from, table.node.id, true)),
    ],
  };
}

function tablesOf(number: number): string {
  return number === 1 ? '1 table' : `${count(number)} tables`;
}

function readNote(tables: number): string {
  return `${tablesOf(tables)} read`;
}

function collectionNote(mode: RunMode, { generation }: BindingPlan, isSeveral = false): string {
  if (mode === 'materialization') return 'read, and not changed';
  if (generation.from === generation.to) return 'merged in place';
  return isSeveral
    ? 'rebuilt beside, then exchanged'
    : `rebuilt, generation ${generation.from} → ${generation.to}`;
}

function tableNote(table: TablePlan | undefined): string {
  return table !== undefined && isExchanged(table) ? 'rebuilt, then swapped in' : 'merged in place';
}

function isExchanged({ generation }: TablePlan): boolean {
  return generation.from !== generation.to;
}

function tableId({ materialization, table }: TablePlan): string {
  return `${materialization} ${table}`;
}

function captureOf({ request, bindings }: BackfillPlan, status: RuntimeStatus | null): string | undefined {
  if (request.mode !== 'materialization') return request.task;
  const wanted = bindings[0]?.collection;
  return status?.captures.find((capture) => capture.bindings.some(({ collection }) => collection === wanted))
    ?.name;
}

function othersOf(
  plan: BackfillPlan,
  status: RuntimeStatus | null,
): readonly { readonly collection: string }[] {
  const name = captureOf(plan, status);
  const touched = new Set(plan.bindings.map(({ collection }) => collection));
  const capture = status?.captures.find((candidate) => candidate.name === name);
  return (capture?.bindings ?? []).filter(({ collection }) => !touched.has(collection));
}

type Kind = FlowNodeType['data']['kind'];

function hit(kind: Kind, name: string, label: string, state: string, note: string, id = name): FlowNodeType {
  return node({ kind, name, label, state, note, touched: true, muted: false }, id);
}

function left(kind: Kind, name: string, note: string): FlowNodeType {
  return node({ kind, name, label: name, state: 'untouched', note, touched: false, muted: true });
}

/** One for all that are not drawn; it leads nowhere. */
function more(kind: Kind, number: number, note: string, touched: boolean): readonly FlowNodeType[] {
  if (number <= 0) return [];
  const label = `and ${count(number)} ${note}`;
  return [node({ kind, name: '', label, state: 'untouched', note: '', touched, muted: !touched }, label)];
}
