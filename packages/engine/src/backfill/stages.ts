import type { RunRequest, Stage } from '@brimful/model';
import { levelsOf } from './order.ts';

/**
 * Something that a run renews: a collection (read from a source, or in a rebuild only drawn upon), something derived from
 * collections, or a destination table. `needs`: ids of those it is made from, as far as they are in the run.
 */
export interface StageNode {
  readonly id: string;
  readonly kind: 'collection' | 'derivation' | 'table';
  readonly needs: readonly string[];
  /** For the stage's subject: `shop/orders`, `shop/warehouse: orders`. */
  readonly subject: string;
  /** For sentences: `public.orders` into `generation 2 of shop/orders`. */
  readonly words: { readonly source: string; readonly rows: string; readonly result: string };
}

type Kind = Stage['kind'];

interface Draft {
  readonly kind: Kind;
  readonly node: StageNode;
  readonly sentence: string;
  /** Of the same node, or of others. */
  readonly after: readonly string[];
}

/**
 * The very list that is executed, in the order of its levels. Everything is built before anything is swapped in, and a
 * thing is swapped in after all it is made from: readers of a later one never see it ahead of an earlier one.
 * (Invariant 7) Throws `BRM-PLAN-CYCLE`.
 */
export function stagesOf(request: RunRequest, nodes: readonly StageNode[]): readonly Stage[] {
  const drafts =
    request.mode === 'incremental' || request.mode === 'repair'
      ? inPlace(request, nodes)
      : rebuilt(request, nodes);
  const known = new Set(drafts.map(idOf));
  const graph = new Map(
    drafts.map((draft) => [idOf(draft), draft.after.filter((other) => known.has(other))]),
  );
  const levels = levelsOf(graph);
  return drafts
    .map(({ kind, node, sentence }, place) => ({
      place,
      stage: { kind, subject: node.subject, sentence, level: levels.get(stageId(kind, node.id)) ?? 0 },
    }))
    .sort((a, b) => a.stage.level - b.stage.level || a.place - b.place)
    .map(({ stage }) => stage);
}

function stageId(kind: Kind, node: string): string {
  return `${kind} ${node}`;
}

function idOf({ kind, node }: Draft): string {
  return stageId(kind, node.id);
}

function after(kinds: readonly Kind[], nodes: readonly string[]): readonly string[] {
  return nodes.flatMap((node) => kinds.map((kind) => stageId(kind, node)));
}

const MAKING: readonly Kind[] = ['read', 'reconcile', 'compact', 'build'];

function rebuilt(request: RunRequest, nodes: readonly StageNode[]): readonly Draft[] {
  const all = nodes.map(({ id }) => id);
  const hasSource = request.mode === 'reset';
  return nodes.flatMap((node): Draft[] => {
    const { words, needs, id } = node;
    const isRoot = node.kind === 'collection';
    const swapped = !isRoot || hasSource;
    const drafts: Draft[] = [];
    const add = (kind: Kind, sentence: string, before: readonly string[]): void => {
      drafts.push({ kind, node, sentence, after: before });
    };
    if (!isRoot)
      add('build', `build ${words.result} beside the live one from ${words.source}`, after(MAKING, needs));
    else if (hasSource) add('read', `read ${words.rows} of ${words.source} into ${words.result}`, []);
    else
      add(
        'compact',
        `fold the history of ${words.source} into its ${words.rows}, the source is not touched`,
        [],
      );
    if (isRoot && hasSource && request.missingRows === 'keep')
      add('reconcile', `carry over what the source no longer has of ${node.subject}`, after(['read'], [id]));
    if (!swapped) return drafts;
    add(
      'catch up',
      `let ${words.result} take what changed meanwhile`,
      after(['build', 'read', 'reconcile'], [id]),
    );
    add('verify', verifySentence(request, words.result), after(['catch up'], [id, ...needs]));
    // Of the whole run, so that nothing is swapped in next to something that turns out wrong.
    add('swap', swapSentence(node), [...after(['verify'], all), ...after(['swap'], needs)]);
    if (request.undoMilliseconds > 0)
      add(
        'keep',
        `keep the one before current for ${hours(request.undoMilliseconds)}, undo swaps it back`,
        after(['swap'], all),
      );
    add('clean up', `remove the one before ${words.result}`, after(['swap', 'keep'], all));
    return drafts;
  });
}

function inPlace(request: RunRequest, nodes: readonly StageNode[]): readonly Draft[] {
  return nodes.flatMap((node): Draft[] => {
    const { words, needs, id } = node;
    const drafts: Draft[] = [];
    const add = (kind: Kind, sentence: string, before: readonly string[]): void => {
      drafts.push({ kind, node, sentence, after: before });
    };
    if (node.kind === 'collection') {
      add('read', `read ${words.rows} of ${words.source} again and merge them into ${words.result}`, []);
      if (request.missingRows === 'remove')
        add(
          'reconcile',
          `look up what was not read of ${node.subject}, remove what the source no longer has`,
          after(['read'], [id]),
        );
      return drafts;
    }
    add(
      'catch up',
      `merge what differs into ${words.result}`,
      after(['read', 'reconcile', 'catch up'], needs),
    );
    if (comparesInPlace(request))
      add('verify', `compare ${words.result} with its collection`, after(['catch up'], [id]));
    return drafts;
  });
}

/** Few rows merged are no reason to read a whole table for. */
export function comparesInPlace({ verify, scope }: RunRequest): boolean {
  return verify === 'full' && scope.kind === 'all';
}

function verifySentence({ verify, mode }: RunRequest, result: string): string {
  const sides = mode === 'materialization' ? 'the collection' : 'the source';
  return verify === 'full' ? `compare ${result} with ${sides}` : `count ${result} and ${sides}`;
}

function swapSentence({ kind, words }: StageNode): string {
  return kind === 'table'
    ? `exchange the names, so that readers find ${words.result}`
    : `make ${words.result} the current one`;
}

function hours(milliseconds: number): string {
  const value = milliseconds / 3_600_000;
  return value >= 1 ? `${Number(value.toFixed(1))} h` : `${Math.round(value * 60)} min`;
}
