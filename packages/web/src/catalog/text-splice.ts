import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';
import { isMap, isScalar, isSeq, stringify } from 'yaml';
import type { PlainValue, ValuePath } from './plain-value.ts';
import { isPlainList, isPlainMap } from './plain-value.ts';
import type { HiddenVariables } from './variables.ts';
import { hideVariables, showVariables } from './variables.ts';

const PLAIN_SPELLINGS: ReadonlySet<string> = new Set(['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE']);
const INDENT = 2;

/**
 * The text with one value changed and every other character as it was; undefined where that cannot be done line by line.
 * The caller checks that the result says what is wanted.
 */
export function spliced(
  document: Document,
  hidden: HiddenVariables,
  path: ValuePath,
  value: PlainValue | undefined,
): string | undefined {
  const lines = hidden.text.split('\n');
  const known = deepest(document, path, hidden.variables);
  if (known === undefined) return undefined;
  const { node, parent, index, rest } = known;
  const show = (text: string, variables = hidden.variables): string => showVariables(text, variables);
  if (rest.length === 0) {
    if (value === undefined) return removed(lines, parent, index, hidden.text, show);
    const scalar = scalarSpliced(hidden, node, value);
    if (scalar !== undefined) return scalar;
    const gone = removedLines(lines, parent, index, hidden.text);
    if (gone === undefined) return undefined;
    const written = rendered(path.at(-1) ?? '', value, parent, gone.indent, hidden.variables);
    return show([...gone.before, ...written.lines, ...gone.after].join('\n'), written.variables);
  }
  if (value === undefined) return undefined;
  return added(lines, hidden, node, rest, value);
}

interface Known {
  /** The deepest value along the path that is there. */
  readonly node: Node | null;
  readonly parent: YAMLMap | YAMLSeq | null;
  readonly index: number;
  readonly rest: ValuePath;
}

function deepest(document: Document, path: ValuePath, variables: readonly string[]): Known | undefined {
  let known: Known = { node: document.contents, parent: null, index: -1, rest: path };
  for (const [depth, step] of path.entries()) {
    const { node } = known;
    if (node === null || isScalar(node)) return known;
    const rest = path.slice(depth + 1);
    if (isMap(node)) {
      const index = node.items.findIndex(
        ({ key }) => isScalar(key) && showVariables(String(key.value), variables) === String(step),
      );
      if (index === -1) return known;
      known = { node: (node.items[index]?.value ?? null) as Node | null, parent: node as YAMLMap, index, rest };
    } else if (isSeq(node)) {
      const index = Number(step);
      if (index >= node.items.length) return known;
      known = { node: (node.items[index] ?? null) as Node | null, parent: node as YAMLSeq, index, rest };
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
  if (typeof value !== 'string') return { text: String(value), variables: before };
  const { text, variables } = hideVariables(value, before);
  const written = stringify({ value: text }, { lineWidth: 0 }).replace(/^value: /u, '').trimEnd();
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
  text: string,
  show: (text: string) => string,
): string | undefined {
  // The last one leaves a key without a value behind.
  if (parent === null || parent.items.length === 1) return undefined;
  const gap = removedLines(lines, parent, index, text);
  if (gap === undefined) return undefined;
  const before = [...gap.before];
  const isComment = (line: string | undefined): boolean =>
    line !== undefined && line.trimStart().startsWith('#') && indentOf(line) === gap.indent;
  // What is said right above it is about it; above the first it may be about all.
  while (index > 0 && isComment(before.at(-1))) before.pop();
  // Between two neighbours one empty line is enough.
  if (before.at(-1)?.trim() === '' && (gap.after[0] ?? '').trim() === '') before.pop();
  return show([...before, ...gap.after].join('\n'));
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
  const last = removedLines(lines, node as YAMLMap | YAMLSeq, node.items.length - 1, hidden.text);
  if (last === undefined) return undefined;
  const [step = '', ...inner] = rest;
  const whole = inner.toReversed().reduce<PlainValue>(
    (inside, key) => (typeof key === 'number' ? [inside] : { [key]: inside }),
    value,
  );
  const written = rendered(step, whole, node as YAMLMap | YAMLSeq, last.indent, hidden.variables);
  const end = lines.length - last.after.length;
  const isSection = last.indent === 0 && isMap(node);
  const between = isSection && (lines[end - 1] ?? '').trim() !== '' ? [''] : [];
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
  const hidden = { variables: before };
  const hide = (one: PlainValue): PlainValue => {
    if (typeof one === 'string') {
      const { text, variables } = hideVariables(one, hidden.variables);
      hidden.variables = variables;
      return text;
    }
    if (isPlainList(one)) return one.map(hide);
    if (!isPlainMap(one)) return one;
    return Object.fromEntries(Object.entries(one).map(([name, inside]) => [name, hide(inside)]));
  };
  const margin = ' '.repeat(indent);
  const block = isSeq(parent)
    ? [`- ${flow(hide(value))}`]
    : [...blockOf(String(key), hide(value))];
  return { lines: block.map((line) => margin + line), variables: hidden.variables };
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
  const pairs = Object.entries(value).map(
    ([key, item]) => `${scalarText(key, []).text}: ${flow(item)}`,
  );
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}
