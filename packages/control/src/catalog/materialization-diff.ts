import type { CatalogChange, MaterializationSpec, Spec } from '@brimful/model';
import type { CatalogFacts, DestinationTable } from './catalog-content.ts';
import { tablesOf } from './catalog-content.ts';
import { TOLD_LIMIT, change, changedFields } from './change.ts';

/** What changes of materializations and of the tables they feed. */
export function materializationChanges(before: Spec, after: Spec, facts: CatalogFacts): CatalogChange[] {
  const old = new Map(before.materializations.map((one) => [one.name, one]));
  const names = new Set(after.materializations.map(({ name }) => name));
  return [
    ...after.materializations.flatMap((one) => {
      const was = old.get(one.name);
      const young = tablesOf(one, after, facts);
      if (was === undefined) return [added(one, young.size), ...told(tableChanges(one.name, NOTHING, young))];
      return [...changed(was, one), ...told(tableChanges(one.name, tablesOf(was, before, facts), young))];
    }),
    ...before.materializations.filter(({ name }) => !names.has(name)).map(removed),
  ];
}

const NOTHING: ReadonlyMap<string, DestinationTable> = new Map();

function added({ name, connector, source }: MaterializationSpec, tables: number): CatalogChange {
  const which =
    tables === 0 && source !== undefined ? `All collections of ${source}` : `${tables} collection(s)`;
  return change({
    action: 'add',
    kind: 'materialization',
    subject: name,
    task: name,
    sentence: `The materialization ${name} (${connector}) is added.`,
    consequence: 'load',
    effect: `${which} are loaded from what was captured, and kept current. The source is not read for it.`,
  });
}

function removed({ name }: MaterializationSpec): CatalogChange {
  return change({
    action: 'remove',
    kind: 'materialization',
    subject: name,
    task: name,
    sentence: `${name} is not fed any more.`,
    consequence: 'stops',
    effect: 'Its tables stay as they are.',
  });
}

function changed(before: MaterializationSpec, after: MaterializationSpec): CatalogChange[] {
  const { name } = after;
  const note = (sentence: string, effect: string): CatalogChange =>
    change({
      action: 'change',
      kind: 'materialization',
      subject: name,
      task: name,
      sentence,
      consequence: 'restarts',
      effect,
    });
  if (before.connector !== after.connector) {
    return [
      note(
        `${name} writes with ${after.connector} instead of ${before.connector}.`,
        'It is another destination: its tables are made and loaded there. Those at the old one stay as they are.',
      ),
    ];
  }
  const fields = changedFields(before.config, after.config);
  const changes: CatalogChange[] = [];
  if (fields.length > 0) {
    changes.push(
      note(
        `${name}: ${fields.join(', ')} of its config ${fields.length === 1 ? 'changes' : 'change'}.`,
        'It restarts. Where its tables are there already they go on; at another place they are made and loaded.',
      ),
    );
  }
  if (before.source !== after.source) {
    changes.push(
      note(
        after.source === undefined
          ? `${name} does not follow all of ${before.source ?? ''} any more.`
          : `${name} follows all of ${after.source}.`,
        'It restarts; its tables go on where they are.',
      ),
    );
  }
  return changes;
}

function tableChanges(
  task: string,
  before: ReadonlyMap<string, DestinationTable>,
  after: ReadonlyMap<string, DestinationTable>,
): CatalogChange[] {
  return [
    ...[...after].flatMap(([collection, table]) => {
      const was = before.get(collection);
      if (was === undefined) return [begins(task, collection, table)];
      if (was.table !== table.table) return [ends(task, collection, was), begins(task, collection, table)];
      return options(task, collection, was, table);
    }),
    ...[...before].flatMap(([collection, table]) =>
      after.has(collection) ? [] : [ends(task, collection, table)],
    ),
  ];
}

function begins(task: string, collection: string, { table }: DestinationTable): CatalogChange {
  return change({
    action: 'add',
    kind: 'table',
    subject: table,
    task,
    sentence: `${collection} becomes the table ${table} of ${task}.`,
    consequence: 'load',
    effect: `${table} is loaded from what was captured, and kept current. One that ${task} fed before goes on where it was.`,
  });
}

function ends(task: string, collection: string, { table }: DestinationTable): CatalogChange {
  return change({
    action: 'remove',
    kind: 'table',
    subject: table,
    task,
    sentence: `${collection} does not become the table ${table} of ${task} any more.`,
    consequence: 'stops',
    effect: `${table} is not fed any more; the table stays as it is.`,
  });
}

function options(
  task: string,
  collection: string,
  before: DestinationTable,
  after: DestinationTable,
): CatalogChange[] {
  const { table, deletes } = after;
  const subject = { action: 'change', kind: 'table', subject: table, task } as const;
  const changes: CatalogChange[] = [];
  if (before.deletes !== deletes) {
    changes.push(
      change({
        ...subject,
        sentence: `${table} of ${task}: deletes are ${deletes} instead of ${before.deletes}.`,
        consequence: 'backfill',
        effect:
          deletes === 'soft'
            ? 'It has no column for that: it stops at its next change, until it is built anew.'
            : 'It goes on; rows that are marked as deleted stay until it is built anew.',
        command: `brimful backfill run ${task} --binding ${collection} --mode materialization --reason "deletes are ${deletes}"`,
      }),
    );
  }
  if (before.adopt !== after.adopt) {
    changes.push(
      change({
        ...subject,
        sentence: `${table} of ${task}: a table that is there ${after.adopt ? 'may' : 'may not'} be written into.`,
        consequence: 'none',
        effect: 'It counts when the table is taken or made.',
      }),
    );
  }
  return changes;
}

/** Of very many, the rest in one. */
function told(changes: readonly CatalogChange[]): CatalogChange[] {
  if (changes.length <= TOLD_LIMIT) return [...changes];
  const rest = changes.slice(TOLD_LIMIT);
  const [first] = rest;
  if (first === undefined) return [...changes];
  return [
    ...changes.slice(0, TOLD_LIMIT),
    {
      ...first,
      subject: `${rest.length} more`,
      sentence: `${rest.length} more tables likewise begin or end.`,
      command: null,
    },
  ];
}
