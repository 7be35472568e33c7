import type { Document, Node, Pair } from 'yaml';
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { PlainMap, PlainValue, ValuePath } from './plain-value.ts';
import { isSameValue, valueAt, withValueAt } from './plain-value.ts';
import { spliced } from './text-splice.ts';
import { hideVariables, showVariables } from './variables.ts';

/** Something that keeps a text from being YAML. Lines and columns count from 1. */
export interface TextError {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The catalog as its author wrote it, and what it says. Edits are made in the text: comments, order and spelling of all that
 * is not edited stay as they are. Variables such as `${NAME}` are values like others, as they are written.
 */
export class CatalogText {
  readonly text: string;
  readonly errors: readonly TextError[];
  readonly value: PlainMap;
  readonly #document: Document;
  readonly #variables: readonly string[];
  readonly #lines: LineCounter;

  private constructor(text: string) {
    this.text = text;
    const hidden = hideVariables(text);
    this.#variables = hidden.variables;
    this.#lines = new LineCounter();
    this.#document = parseDocument(hidden.text, { lineCounter: this.#lines, prettyErrors: false });
    this.errors = this.#document.errors.map(({ message, pos }) => {
      const { line, col } = this.#lines.linePos(pos[0]);
      return {
        message: showVariables(message.split('\n')[0] ?? message, this.#variables),
        line: Math.max(1, line),
        column: Math.max(1, col),
      };
    });
    const value = this.errors.length > 0 ? {} : this.#plain(this.#document.contents);
    const isMapped = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.value = isMapped ? (value as PlainMap) : {};
  }

  static parse(text: string): CatalogText {
    return new CatalogText(text);
  }

  get isReadable(): boolean {
    return this.errors.length === 0;
  }

  at(path: ValuePath): PlainValue | undefined {
    return valueAt(this.value, path);
  }

  /** The line of the key or item that ends `path`, counted from 1; undefined when it does not stand in the text. */
  lineOf(path: ValuePath): number | undefined {
    const node = this.#keyNode(path);
    return node?.range ? this.#lines.linePos(node.range[0]).line : undefined;
  }

  /** Only for a text that is readable. Undefined removes what is there. */
  with(path: ValuePath, value: PlainValue | undefined): CatalogText {
    if (isSameValue(this.at(path), value)) return this;
    const wanted = withValueAt(this.value, path, value);
    const hidden = hideVariables(this.text);
    const edit = spliced({ document: this.#document, hidden, whole: this.value }, path, value);
    if (edit !== undefined) {
      const next = CatalogText.parse(edit);
      if (next.isReadable && isSameValue(next.value, wanted)) return next;
    }
    // Unusual spelling (flow maps, anchors, keys over several lines): written anew, with its comments.
    return CatalogText.parse(this.#rewritten(path, value));
  }

  /** Another name for a key, at its place. */
  renamed(path: ValuePath, name: string): CatalogText {
    const key = this.#keyNode(path);
    if (!isScalar(key) || !key.range) return this;
    const [start, end] = key.range;
    const written = JSON.stringify(name);
    const plain = /^[\w./-]+$/u.test(name) && !/^[\d.-]/u.test(name) ? name : written;
    return CatalogText.parse(this.text.slice(0, start) + plain + this.text.slice(end));
  }

  #rewritten(path: ValuePath, value: PlainValue | undefined): string {
    const document = this.#document.clone();
    const variables = [...this.#variables];
    if (value === undefined) {
      document.deleteIn([...path]);
    } else {
      const hidden = JSON.parse(
        JSON.stringify(value, (_, item: unknown) => {
          if (typeof item !== 'string') return item;
          const one = hideVariables(item, variables);
          variables.splice(0, variables.length, ...one.variables);
          return one.text;
        }),
      ) as unknown;
      for (let length = 0; length < path.length; length += 1) {
        const before = path.slice(0, length);
        const node = document.getIn(before, true);
        if (!isMap(node) && !isSeq(node))
          document.setIn(before, document.createNode(typeof path[length] === 'number' ? [] : {}));
      }
      document.setIn([...path], document.createNode(hidden));
    }
    return showVariables(document.toString({ lineWidth: 0 }), variables);
  }

  #keyNode(path: ValuePath): Node | undefined {
    let node: unknown = this.#document.contents;
    let found: unknown;
    for (const step of path) {
      const inside: unknown = isAlias(node) ? node.resolve(this.#document) : node;
      if (isMap(inside)) {
        const pair = inside.items.find((item) => this.#keyText(item) === String(step));
        [found, node] = [pair?.key, pair?.value];
      } else if (isSeq(inside)) {
        found = node = inside.items[Number(step)];
      } else {
        return undefined;
      }
    }
    return (found ?? undefined) as Node | undefined;
  }

  #keyText(pair: Pair): string {
    return isPair(pair) && isScalar(pair.key) ? showVariables(String(pair.key.value), this.#variables) : '';
  }

  #plain(node: unknown): PlainValue {
    if (isAlias(node)) return this.#plain(node.resolve(this.#document));
    if (isMap(node)) {
      return Object.fromEntries(node.items.map((item) => [this.#keyText(item), this.#plain(item.value)]));
    }
    if (isSeq(node)) return node.items.map((item) => this.#plain(item));
    if (!isScalar(node)) return null;
    const { value } = node;
    if (typeof value === 'string') return showVariables(value, this.#variables);
    return typeof value === 'number' || typeof value === 'boolean' ? value : null;
  }
}
