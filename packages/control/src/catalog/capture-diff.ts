import type { CaptureSpec, CatalogChange, Spec } from '@brimful/model';
import type { CatalogFacts, SourceTable } from './catalog-content.ts';
import { collectionsOf } from './catalog-content.ts';
import type { Amount } from './change.ts';
import { TOLD_LIMIT, amountOf, amountOfAll, change, changedFields, rowsPhrase } from './change.ts';

/** What changes of captures and of the tables they read. */
export function captureChanges(before: Spec, after: Spec, facts: CatalogFacts): CatalogChange[] {
  const old = new Map(before.captures.map((capture) => [capture.name, capture]));
  const names = new Set(after.captures.map(({ name }) => name));
  return [
    ...after.captures.flatMap((capture) => {
      const was = old.get(capture.name);
      return was === undefined ? added(capture, facts) : changed(was, capture, facts);
    }),
    ...before.captures.filter(({ name }) => !names.has(name)).map((capture) => removed(capture, facts)),
  ];
}

function added(capture: CaptureSpec, facts: CatalogFacts): CatalogChange[] {
  const { name, connector } = capture;
  const tables = bindingsOf(capture, facts);
  const isKnown = facts.slots.has(name);
  const fresh = tables.filter(({ collection }) => !isKnown || !facts.captured.has(collection));
  const all = amountOfAll(fresh.map(({ amount }) => amount));
  const isOpen = tables.length === 0 && capture.autoDiscover !== undefined;
  return [
    change({
      action: 'add',
      kind: 'capture',
      subject: name,
      task: name,
      sentence: `The capture ${name} (${connector}) is added.`,
      consequence: isKnown ? 'restarts' : 'first read',
      effect: isKnown
        ? 'It was there before, and goes on where it was if the source still holds its log for it.'
        : isOpen
          ? 'The first read of all its tables begins.'
          : `The first read of ${plural(fresh.length, 'table')} begins${rowsPhrase(all)}.`,
      ...(isKnown ? {} : all),
    }),
    ...told(tables.map((table) => begins(name, table, isKnown ? NOTHING : facts.captured, isKnown))),
  ];
}

const NOTHING: ReadonlySet<string> = new Set();

function removed({ name }: CaptureSpec, { slots }: CatalogFacts): CatalogChange {
  const slot = slots.get(name);
  const left =
    slot === undefined
      ? 'What it made at the source stays there.'
      : `Its slot ${slot} stays at the source, so that it can go on later: until then the source keeps all of its log. When it is gone for good, drop the slot.`;
  return change({
    action: 'remove',
    kind: 'capture',
    subject: name,
    task: name,
    sentence: `${name} is not captured any more.`,
    consequence: 'stops',
    effect: `Its collections get no more changes; what was captured stays. ${left}`,
    command: slot === undefined ? null : `SELECT pg_drop_replication_slot('${slot.replaceAll("'", "''")}')`,
  });
}

function changed(before: CaptureSpec, after: CaptureSpec, facts: CatalogFacts): CatalogChange[] {
  const { name } = after;
  const changes: CatalogChange[] = [];
  const note = (sentence: string, effect: string): void => {
    changes.push(
      change({
        action: 'change',
        kind: 'capture',
        subject: name,
        task: name,
        sentence,
        consequence: 'restarts',
        effect,
      }),
    );
  };
  if (before.connector !== after.connector) {
    note(
      `${name} is captured with ${after.connector} instead of ${before.connector}.`,
      'It is another source: it stops and says so, unless it begins under another name.',
    );
  } else {
    const fields = changedFields(before.config, after.config);
    if (fields.length > 0) {
      note(
        `${name}: ${fields.join(', ')} of its config ${fields.length === 1 ? 'changes' : 'change'}.`,
        'The capture restarts and goes on where it was. Another server than before is refused.',
      );
    }
  }
  const [old, young] = [bindingsOf(before, facts), bindingsOf(after, facts)];
  const moves = bindingChanges(name, old, young, facts);
  if (JSON.stringify(before.autoDiscover) !== JSON.stringify(after.autoDiscover)) {
    const knows = facts.sources.has(name);
    note(`${name}: which tables it takes by itself changes.`, discoverEffect(after, knows, moves.length));
  }
  return [...changes, ...told(moves)];
}

function discoverEffect({ autoDiscover }: CaptureSpec, knows: boolean, moves: number): string {
  const ahead =
    autoDiscover === undefined
      ? 'New tables are not taken any more.'
      : 'New tables are taken by this from now on.';
  if (!knows) return `${ahead} The source could not be asked which of its tables that concerns.`;
  return moves === 0 ? `${ahead} None of those that are there is concerned.` : ahead;
}

interface Bound {
  readonly resource: string;
  readonly collection: string;
  readonly amount: Amount;
}

function bindingsOf(capture: CaptureSpec, { sources }: CatalogFacts): Bound[] {
  const tables = sources.get(capture.name);
  const known = new Map(tables?.map((table): [string, SourceTable] => [table.name, table]));
  return [...collectionsOf(capture, tables)].map(([resource, collection]) => ({
    resource,
    collection,
    amount: amountOf(known.get(resource)),
  }));
}

function bindingChanges(
  capture: string,
  before: readonly Bound[],
  after: readonly Bound[],
  { captured }: CatalogFacts,
): CatalogChange[] {
  const places = (all: readonly Bound[]): Set<string> =>
    new Set(all.map(({ resource, collection }) => JSON.stringify([resource, collection])));
  const [old, young] = [places(before), places(after)];
  const isIn = (all: Set<string>, { resource, collection }: Bound): boolean =>
    all.has(JSON.stringify([resource, collection]));
  return [
    ...after.filter((bound) => !isIn(old, bound)).map((bound) => begins(capture, bound, captured, false)),
    ...before.filter((bound) => !isIn(young, bound)).map((bound) => ends(capture, bound)),
  ];
}

function begins(
  capture: string,
  { resource, collection, amount }: Bound,
  captured: ReadonlySet<string>,
  goesOn: boolean,
): CatalogChange {
  const subject = { action: 'add', kind: 'binding', subject: resource, task: capture } as const;
  const sentence = `${resource} is captured into ${collection}.`;
  if (goesOn)
    return change({ ...subject, sentence, consequence: 'restarts', effect: 'It goes on where it was.' });
  if (captured.has(collection)) {
    return change({
      ...subject,
      sentence,
      consequence: 'backfill',
      effect: `${collection} was captured before, and changes were lost since: it stands as a gap until it is reset.`,
      command: `brimful backfill run ${word(capture)} --binding ${word(collection)} --mode reset --reason "captured again"`,
    });
  }
  const effect = `Its first read begins${rowsPhrase(amount)}.`;
  return change({ ...subject, sentence, consequence: 'first read', effect, ...amount });
}

function ends(capture: string, { resource, collection }: Bound): CatalogChange {
  return change({
    action: 'remove',
    kind: 'binding',
    subject: resource,
    task: capture,
    sentence: `${resource} is not captured into ${collection} any more.`,
    consequence: 'stops',
    effect: `${collection} gets no more changes; what was captured stays, and so do its tables. To capture it again, it has to be reset.`,
  });
}

/** Of very many, the rest in one. */
function told(changes: readonly CatalogChange[]): CatalogChange[] {
  if (changes.length <= TOLD_LIMIT) return [...changes];
  const rest = changes.slice(TOLD_LIMIT);
  const [first] = rest;
  if (first === undefined) return [...changes];
  const reads = rest.filter(({ consequence }) => consequence === 'first read');
  return [
    ...changes.slice(0, TOLD_LIMIT),
    change({
      ...first,
      subject: `${rest.length} more`,
      sentence: `${plural(rest.length, 'more table')} of ${first.task ?? 'it'} likewise begin or end.`,
      consequence: reads.length > 0 ? 'first read' : 'stops',
      effect:
        reads.length > 0 ? `${reads.length} of them begin their first read.` : 'They get no more changes.',
      command: null,
      ...amountOfAll(reads),
    }),
  ];
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Safe to copy into a shell. */
function word(text: string): string {
  return /^[\w./:,@+-]+$/u.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
