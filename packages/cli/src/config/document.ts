import type { Place, ProblemCode } from '@brimful/model';
import { Problem } from '@brimful/model';
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import type { Interpolation, Variable } from './interpolation.ts';
import { hideVariables, isOneVariable, replaceVariables, showVariables } from './interpolation.ts';

/** A path into the document: keys of maps, indices of sequences. */
export type Path = readonly PropertyKey[];

/** A parsed configuration file that knows where everything was written. */
export class ConfigDocument {
  readonly file: string;
  /** Plain data, variables replaced. */
  readonly value: unknown;
  /** Values that came from the environment: never to be shown. (Invariant 10) */
  readonly fromEnvironment: readonly { readonly name: string; readonly value: string }[];
  /** Paths whose value is exactly one unquoted variable: text that may have meant a number. */
  readonly #wholeVariables = new Set<string>();
  readonly #document: Document;
  readonly #lines: LineCounter;

  private constructor(
    file: string,
    document: Document,
    lines: LineCounter,
    value: unknown,
    reading: Reading,
  ) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.value = value;
    this.fromEnvironment = reading.fromEnvironment;
    for (const path of reading.wholeVariables) this.#wholeVariables.add(path);
  }

  /** Throws an AggregateError of problems, all that were found. `file` is how messages name it. */
  static parse(
    text: string,
    file: string,
    environment: Readonly<Record<string, string | undefined>>,
  ): ConfigDocument {
    const interpolation = hideVariables(text);
    const lines = new LineCounter();
    const document = parseDocument(interpolation.text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
    });
    const placeAt = (offset: number): Place => {
      const { line, col } = lines.linePos(offset);
      return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    const syntax = document.errors.map((error) =>
      problemAt(
        'BRM-CONFIG-YAML',
        showVariables(plainly(error.code, error.message), interpolation),
        placeAt(error.pos[0]),
        'Mend the YAML at this place. Values with special characters (: # { } [ ] , & *) go in double quotes.',
      ),
    );
    if (syntax.length > 0) throw new AggregateError(syntax);
    const reading: Reading = {
      interpolation,
      environment,
      placeAt,
      document,
      problems: [],
      fromEnvironment: [],
      wholeVariables: [],
    };
    const value = document.contents === null ? null : plain(document.contents, [], reading);
    if (reading.problems.length > 0) throw new AggregateError(reading.problems);
    return new ConfigDocument(file, document, lines, value, reading);
  }

  /** Where the value at `path` was written, or the nearest thing around it. */
  placeOf(path: Path): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const pair = this.#pairAt(path.slice(0, length));
      if (pair?.range) return this.#place(pair.range[0]);
    }
    return { file: this.file, line: 1, column: 1 };
  }

  /** Where the key that ends `path` was written. */
  keyPlaceOf(path: Path): Place {
    const parent = this.#nodeAt(path.slice(0, -1));
    const last = path.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => keyText(item) === String(last));
      if (isScalar(pair?.key) && pair.key.range) return this.#place(pair.key.range[0]);
    }
    return this.placeOf(path);
  }

  isWholeVariable(path: Path): boolean {
    return this.#wholeVariables.has(pathKey(path));
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #pairAt(path: Path): Node | undefined {
    return this.#nodeAt(path);
  }

  #nodeAt(path: Path): Node | undefined {
    let node: Node | undefined = this.#document.contents ?? undefined;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((item) => keyText(item) === String(step));
        node = (pair?.value ?? pair?.key ?? undefined) as Node | undefined;
      } else if (isSeq(node)) {
        node = node.items[Number(step)] as Node | undefined;
      } else {
        return undefined;
      }
    }
    return node;
  }
}

interface Reading {
  readonly interpolation: Interpolation;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly placeAt: (offset: number) => Place;
  readonly document: Document;
  readonly problems: Problem[];
  readonly fromEnvironment: { readonly name: string; readonly value: string }[];
  readonly wholeVariables: string[];
}

function plain(node: unknown, path: Path, reading: Reading): unknown {
  if (isAlias(node)) return plain(node.resolve(reading.document), path, reading);
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map((item) => {
        const key = showVariables(keyText(item), reading.interpolation);
        return [key, plain(item.value, [...path, key], reading)];
      }),
    );
  }
  if (isSeq(node)) return node.items.map((item, index) => plain(item, [...path, index], reading));
  if (!isScalar(node)) return null;
  const { value } = node;
  if (typeof value !== 'string') return value;
  if (isOneVariable(value) && node.type === 'PLAIN') reading.wholeVariables.push(pathKey(path));
  return replaceVariables(value, reading.interpolation, (variable) => lookUp(variable, reading));
}

function lookUp(variable: Variable, reading: Reading): string {
  if (variable.literal) return variable.source.slice(1);
  const value = reading.environment[variable.name];
  if (value !== undefined && (value !== '' || variable.otherwise === undefined)) {
    reading.fromEnvironment.push({ name: variable.name, value });
    return value;
  }
  if (variable.otherwise !== undefined) return variable.otherwise;
  reading.problems.push(
    problemAt(
      'BRM-CONFIG-VARIABLE',
      `The environment variable ${variable.name} is not set.`,
      reading.placeAt(variable.offset),
      `Set it before you start brimful: export ${variable.name}=... Or keep it: brimful secret set ${variable.name}`,
    ),
  );
  return '';
}

function keyText(pair: Pair): string {
  return isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : '';
}

function pathKey(path: Path): string {
  return JSON.stringify(path.map(String));
}

/** The parser's commonest complaints in words for people who do not know YAML's grammar. */
function plainly(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'This key appears twice in the same block.';
    case 'TAB_AS_INDENT':
      return 'A tab is used for indentation. YAML wants spaces.';
    default:
      return message.split('\n')[0] ?? message;
  }
}

export function problemAt(code: ProblemCode, message: string, place: Place, remedy?: string): Problem {
  return new Problem(code, message, {
    at: { file: place.file, line: place.line, column: place.column },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
