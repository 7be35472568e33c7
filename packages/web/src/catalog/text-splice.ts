import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';
import { isMap, isScalar, isSeq, stringify } from 'yaml';
import type { PlainValue, ValuePath } from './plain-value.ts';
import { isPlainList, isPlainMap, valueAt, withValueAt } from './plain-value.ts';
import type { HiddenVariables } from './variables.ts';
import { hideVariables, showVariables } from './variables.ts';

const PLAIN_SPELLINGS: ReadonlySet<string> = new Set(['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE']);
const INDENT = 2;

export interface SplicedText {
  readonly document: Document;
  readonly hidden: HiddenVariables;
  /** What it says. */
  readonly whole: PlainValue;
}

/**
 * The text with one value changed and every other character as it was; undefined where that cannot be done in its lines.
 * The caller checks that the result says what is wanted.
 */
export function spliced(
  source: SplicedText,
  path: ValuePath,
  value: PlainValue | undefined,
): string | undefined {
  const { document, hidden } = source;
  const lines = hidden.text.split('\n');
  const known = deepest(document, path, hidden.variables);
  if (known === undefined) return undefined;
  const { node, parent, index, rest } = known;
  if (rest.length === 0 && value !== undefined) {
    const scalar = scalarSpliced(hidden, node, value);
    if (scalar !== undefined) return scalar;
  }
  if (known.flowDepth !== undefined) return flowSpliced(source, path, known.flowDepth, value);
  if (rest.length > 0) {
    if (value === undefined) return undefined;
    return isEmpty(node) ? begun(lines, hidden, known, path, value) : added(lines, hidden, node, rest, value);
  }
  if (value === undefined) {
    // Without its last one it is empty, which is something else than nothing.
    if (parent?.items.length === 1) return spliced(source, path.slice(0, -1), isMap(parent) ? {} : []);
    return removed(lines, parent, index, hidden);
  }
  const gone = removedLines(lines, parent, index, hidden.text);
  if (gone === undefined) return undefined;
  const written = rendered(path.at(-1) ?? '', value, parent, gone.indent, hidden.variables);
  return showVariables([...gone.before, ...written.lines, ...gone.after].join('\n'), written.variables);
}

/** What stands in `{ }` or `[ ]` is written anew from there on, if it is one line without a comment. */
function flowSpliced(
  { document, hidden, whole }: SplicedText,
  path: ValuePath,
  depth: number,
  value: PlainValue | undefined,
): string | undefined {
  const outer = path.slice(0, depth);
  const node = deepest(document, outer, hidden.variables)?.node;
  if (!node?.range) return undefined;
  const [start, end] = node.range;
  if (/[\n#]/u.test(hidden.text.slice(start, end))) return undefined;
  const next = withValueAt(valueAt(whole, outer) ?? null, path.slice(depth), value);
  const written = hiddenIn(next, hidden.variables);
  return showVariables(
    hidden.text.slice(0, start) + flow(written.value) + hidden.text.slice(end),
    written.variables,
  );
}

function isEmpty(node: Node | null): boolean {
  if (isScalar(node)) return node.value === null;
  return node === null || ((isMap(node) || isSeq(node)) && node.items.length === 0);
}

/** The first of what is inside a key that had nothing, or `{}`. */
function begun(
  lines: readonly string[],
  hidden: HiddenVariables,
  { parent, index, rest }: Known,
  path: ValuePath,
  value: PlainValue,
): string | undefined {
  const key = path.at(-1 - rest.length);
  const gap = removedLines(lines, parent, index, hidden.text);
  if (gap === undefined || key === undefined || !isMap(parent)) return undefined;
  const old = lines.slice(gap.before.length, lines.length - gap.after.length);
  // A comment on the line would be lost.
  if (old.some((line) => line.includes('#'))) return undefined;
  const written = rendered(key, nested(rest, value), parent, gap.indent, hidden.variables);
  return showVariables([...gap.before, ...written.lines, ...gap.after].join('\n'), written.variables);
}

function nested(path: ValuePath, value: PlainValue): PlainValue {
  return path
    .toReversed()
    .reduce<PlainValue>((inside, key) => (typeof key === 'number' ? [inside] : { [key]: inside }), value);
}

interface Known {
  /** The deepest value along the path that is there. */
  readonly node: Node | null;
  readonly parent: YAMLMap | YAMLSeq | null;
  readonly index: number;
  readonly rest: ValuePath;
  /** How much of the path leads to the first `{ }` or `[ ]` with something in it; undefined: there is none on the way. */
  readonly flowDepth: number | undefined;
}

function deepest(document: Document, path: ValuePath, variables: readonly string[]): Known | undefined {
  let known: Known = { node: document.contents, parent: null, index: -1, rest: path, flowDepth: undefined };
  for (const [depth, step] of path.entries()) {
    const { node } = known;
    if (node === null || isScalar(node)) return known;
    const isFlow = (isMap(node) || isSeq(node)) && node.flow === true && node.items.length > 0;
    const flowDepth = known.flowDepth ?? (isFlow ? depth : undefined);
    known = { ...known, flowDepth };
    const rest = path.slice(depth + 1);
    if (isMap(node)) {
      const index = node.items.findIndex(
        ({ key }) => isScalar(key) && showVariables(String(key.value), variables) === String(step),
      );
      if (index === -1) return known;
      known = {
        node: (node.items[index]?.value ?? null) as Node | null,
        parent: node,
        index,
        rest,
        flowDepth,
      };
    } else if (isSeq(node)) {
      const index = Number(step);
      if (index >= node.items.length) return known;
      known = { node: (node.items[index] ?? null) as Node | null, parent: node, index, rest, flowDepth };
    } else {
      return undefined;
    }
  }
  return known;
}

/** Another scalar in the place of one. */
function scalarSpliced(hidden: HiddenVariables, node: Node | null, value: PlainValue): string | undefined {
  if (!isScalar(node) || !node.range || !PLAIN_SPELLINGS.has(node.type ?? '')) return undefined;
  if (isPlainMap(value) || isPlainList(value)) return undefined;
  const [start, end] = node.range;
  if (start === end) return undefined;
  const { text, variables } = scalarText(value, hidden.variables);
  return showVariables(hidden.text.slice(0, start) + text + hidden.text.slice(end), variables);
}

/** As it may stand anywhere, in `{ }` and `[ ]` too. */
function scalarText(value: PlainValue, before: readonly string[]): HiddenVariables {
  if (typeof value !== 'string') return { text: JSON.stringify(value), variables: before };
  const { text, variables } = hideVariables(value, before);
  const written = stringify({ value: text }, { lineWidth: 0 })
    .replace(/^value: /u, '')
    .trimEnd();
  const isSafe = !/[,[\]{}\n]/u.test(written) || written.startsWith('"');
  return { text: isSafe ? written : JSON.stringify(text), variables };
}

interface Gap {
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Of the key or dash. */
  readonly indent: number;
}

/** The lines around one key or item of a block, and none where it shares its lines with others. */
function removedLines(
  lines: readonly string[],
  parent: YAMLMap | YAMLSeq | null,
  index: number,
  text: string,
): Gap | undefined {
  if (parent === null || parent.flow === true) return undefined;
  const item = parent.items[index];
  const start = isMap(parent)
    ? startOf((item as { readonly key?: unknown }).key)
    : dashBefore(text, startOf(item) ?? -1);
  if (start === undefined) return undefined;
  const first = text.slice(0, start).split('\n').length - 1;
  const line = lines[first] ?? '';
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  if (line.slice(0, indent).trim() !== '') return undefined;
  const end = blockEnd(lines, first, indent, isSeq(parent));
  return { before: lines.slice(0, first), after: lines.slice(end), indent };
}

function removed(
  lines: readonly string[],
  parent: YAMLMap | YAMLSeq | null,
  index: number,
  { text, variables }: HiddenVariables,
): string | undefined {
  const gap = removedLines(lines, parent, index, text);
  if (gap === undefined) return undefined;
  const before = [...gap.before];
  const isComment = (line: string | undefined): boolean =>
    line !== undefined && line.trimStart().startsWith('#') && indentOf(line) === gap.indent;
  // What is said right above it is about it; above the first it may be about all.
  while (index > 0 && isComment(before.at(-1))) before.pop();
  // Between two neighbours one empty line is enough.
  if (before.at(-1)?.trim() === '' && (gap.after[0] ?? '').trim() === '') before.pop();
  return showVariables([...before, ...gap.after].join('\n'), variables);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function dashBefore(text: string, start: number): number | undefined {
  if (start < 0) return undefined;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const dash = text.slice(lineStart, start).search(/-\s+$/u);
  return dash === -1 ? undefined : lineStart + dash;
}

/** The index after the last line that belongs to what begins at `first`; comments and empty lines at its end do not. */
function blockEnd(lines: readonly string[], first: number, indent: number, isItem: boolean): number {
  let end = first + 1;
  for (let at = first + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const isSilent = line.trim() === '' || line.trimStart().startsWith('#');
    if (isSilent) continue;
    const depth = indentOf(line);
    // Items of a list may stand as far left as its key.
    const isInside = depth > indent || (!isItem && depth === indent && line.trimStart().startsWith('- '));
    if (!isInside) break;
    end = at + 1;
  }
  return end;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Whether an empty line comes last, but for comments. */
function isSpaced(before: readonly string[]): boolean {
  return before.findLast((line) => !line.trimStart().startsWith('#'))?.trim() === '';
}

/** A new key or item after the last of its block. */
function added(
  lines: readonly string[],
  hidden: HiddenVariables,
  node: Node | null,
  rest: ValuePath,
  value: PlainValue,
): string | undefined {
  if (node === null) return undefined;
  if (!isMap(node) && !isSeq(node)) return undefined;
  if (node.flow === true || node.items.length === 0) return undefined;
  const last = removedLines(lines, node, node.items.length - 1, hidden.text);
  if (last === undefined) return undefined;
  const [step = '', ...inner] = rest;
  const whole = nested(inner, value);
  const written = rendered(step, whole, node, last.indent, hidden.variables);
  const end = lines.length - last.after.length;
  // As far apart as the last from the one before it; sections always are.
  const isApart = isMap(node) && (last.indent === 0 || (node.items.length > 1 && isSpaced(last.before)));
  const between = isApart && (lines[end - 1] ?? '').trim() !== '' ? [''] : [];
  const next = [...lines.slice(0, end), ...between, ...written.lines, ...lines.slice(end)];
  return showVariables(`${next.join('\n').trimEnd()}\n`, written.variables);
}

/** As lines of a block: small maps in lists stand in one line each. */
function rendered(
  key: string | number,
  value: PlainValue,
  parent: YAMLMap | YAMLSeq | null,
  indent: number,
  before: readonly string[],
): { readonly lines: readonly string[]; readonly variables: readonly string[] } {
  const hidden = hiddenIn(value, before);
  const margin = ' '.repeat(indent);
  const block = isSeq(parent) ? [`- ${flow(hidden.value)}`] : [...blockOf(String(key), hidden.value)];
  return { lines: block.map((line) => margin + line), variables: hidden.variables };
}

/** Its variables hidden, as those of the text are. */
function hiddenIn(
  value: PlainValue,
  before: readonly string[],
): { readonly value: PlainValue; readonly variables: readonly string[] } {
  let variables = before;
  const hide = (one: PlainValue): PlainValue => {
    if (typeof one === 'string') {
      const hidden = hideVariables(one, variables);
      variables = hidden.variables;
      return hidden.text;
    }
    if (isPlainList(one)) return one.map(hide);
    if (!isPlainMap(one)) return one;
    return Object.fromEntries(Object.entries(one).map(([name, inside]) => [name, hide(inside)]));
  };
  return { value: hide(value), variables };
}

function* blockOf(key: string, value: PlainValue): Generator<string> {
  const name = stringify(key, { lineWidth: 0 }).trimEnd();
  const margin = ' '.repeat(INDENT);
  if (isPlainMap(value) && Object.keys(value).length > 0) {
    yield `${name}:`;
    for (const [inside, item] of Object.entries(value)) {
      for (const line of blockOf(inside, item)) yield margin + line;
    }
    return;
  }
  if (isPlainList(value) && value.some((item) => isPlainMap(item))) {
    yield `${name}:`;
    for (const item of value) yield `${margin}- ${flow(item)}`;
    return;
  }
  yield `${name}: ${flow(value)}`;
}

/** In one line. */
function flow(value: PlainValue): string {
  if (isPlainList(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isPlainMap(value)) return scalarText(value, []).text;
  const pairs = Object.entries(value).map(([key, item]) => `${scalarText(key, []).text}: ${flow(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}
