import type { TextHunk, TextLine } from '@brimful/model';

/** Lines that are the same, shown around those that differ. */
const CONTEXT_LINES = 3;
/** Texts that differ in more lines than this are shown as wholly replaced there: nobody reads such a difference. */
const EDITS_LIMIT = 2000;

/** What changed from one text to another, line by line, with a few lines around it. Equal texts: nothing. */
export function textDiff(before: string, after: string): readonly TextHunk[] {
  if (before === after) return [];
  return hunksOf(numbered(linesOf(before), linesOf(after)));
}

/** By the numbers of the later text's lines: the lines of the earlier one that they still are. */
export function sameLines(before: string, after: string): ReadonlyMap<number, number> {
  const same = new Map<number, number>();
  for (const line of numbered(linesOf(before), linesOf(after)))
    if (line.before !== null && line.after !== null) same.set(line.after, line.before);
  return same;
}

/** As a unified difference's lines, for messages and terminals. */
export function unifiedLines(hunks: readonly TextHunk[]): readonly string[] {
  const marks = { same: ' ', removed: '-', added: '+' } as const;
  return hunks.flatMap(({ lines }, index) => [
    ...(index === 0 ? [] : ['…']),
    ...lines.map(({ kind, text }) => `${marks[kind]} ${text}`),
  ]);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  // A text ends with a line break; what comes after it is no line.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function numbered(before: readonly string[], after: readonly string[]): TextLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const rest = Math.min(before.length, after.length) - start;
  while (end < rest && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const kinds: TextLine['kind'][] = [
    ...Array<'same'>(start).fill('same'),
    ...edits(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...Array<'same'>(end).fill('same'),
  ];
  let [old, young] = [0, 0];
  return kinds.map((kind): TextLine => {
    const isOld = kind !== 'added';
    const isYoung = kind !== 'removed';
    if (isOld) old += 1;
    if (isYoung) young += 1;
    const text = (isOld ? before[old - 1] : after[young - 1]) ?? '';
    return { kind, before: isOld ? old : null, after: isYoung ? young : null, text };
  });
}

/** The shortest way from one list to the other (Myers): removals before additions. */
function edits(before: readonly string[], after: readonly string[]): TextLine['kind'][] {
  const trace = forward(before, after);
  if (trace === undefined) {
    return [...before.map(() => 'removed' as const), ...after.map(() => 'added' as const)];
  }
  const kinds: TextLine['kind'][] = [];
  let [x, y] = [before.length, after.length];
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const reached = trace[depth] as ReadonlyMap<number, number>;
    const diagonal = x - y;
    const isDown = depth > 0 && comesDown(reached, diagonal, depth);
    const from = depth === 0 ? 0 : isDown ? diagonal + 1 : diagonal - 1;
    const fromX = depth === 0 ? 0 : (reached.get(from) ?? 0);
    const fromY = fromX - from;
    const [edgeX, edgeY] = depth === 0 ? [0, 0] : isDown ? [fromX, fromY + 1] : [fromX + 1, fromY];
    while (x > edgeX && y > edgeY) {
      kinds.push('same');
      x -= 1;
      y -= 1;
    }
    if (depth > 0) kinds.push(isDown ? 'added' : 'removed');
    [x, y] = [fromX, fromY];
  }
  return kinds.reverse();
}

function comesDown(reached: ReadonlyMap<number, number>, diagonal: number, depth: number): boolean {
  if (diagonal === -depth) return true;
  if (diagonal === depth) return false;
  return (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1);
}

/** Before each step, how far every diagonal was reached; undefined: it takes too many steps. */
function forward(
  before: readonly string[],
  after: readonly string[],
): readonly ReadonlyMap<number, number>[] | undefined {
  const trace: Map<number, number>[] = [];
  let reached = new Map<number, number>();
  for (let depth = 0; depth <= Math.min(EDITS_LIMIT, before.length + after.length); depth += 1) {
    trace.push(reached);
    const next = new Map<number, number>();
    for (let diagonal = -depth; diagonal <= depth; diagonal += 2) {
      const isDown = depth > 0 && comesDown(reached, diagonal, depth);
      let x =
        depth === 0 ? 0 : isDown ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return trace;
    }
    reached = next;
  }
  return undefined;
}

function hunksOf(lines: readonly TextLine[]): readonly TextHunk[] {
  const hunks: TextLine[][] = [];
  let until = -1;
  for (const [index, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    const from = Math.max(until, index - CONTEXT_LINES, 0);
    const to = Math.min(lines.length, index + CONTEXT_LINES + 1);
    const last = hunks.at(-1);
    if (last !== undefined && from <= until) last.push(...lines.slice(until, to));
    else hunks.push(lines.slice(from, to));
    until = to;
  }
  return hunks.map((found) => ({ lines: found }));
}
