import type { PreparedNames } from './pipeline.ts';

/** Each keeps its plan in the server's memory; tables by the thousand must not fill it. */
const PREPARED_STATEMENTS_LIMIT = 400;

/** Which statements one connection has parsed, the least recently used given up first. */
export class PreparedStatements implements PreparedNames {
  readonly #byText = new Map<
    string,
    { readonly name: string; readonly pipeline: number; confirmed: boolean }
  >();
  readonly #limit: number;
  #counter = 0;
  #pipeline = 0;

  constructor(limit = PREPARED_STATEMENTS_LIMIT) {
    this.#limit = limit;
  }

  begin(): void {
    this.#pipeline += 1;
  }

  claim(text: string): { readonly name: string; readonly parse: boolean; readonly evicted?: string } {
    const known = this.#byText.get(text);
    if (known !== undefined) {
      this.#byText.delete(text);
      this.#byText.set(text, known);
      if (known.confirmed || known.pipeline === this.#pipeline) return { name: known.name, parse: false };
      // Sent with an earlier pipeline that failed ahead of it: the server never parsed it. Take a new name.
      this.#byText.delete(text);
    }
    this.#counter += 1;
    const name = `brimful_${this.#counter}`;
    const evicted = this.#makeRoom();
    this.#byText.set(text, { name, pipeline: this.#pipeline, confirmed: false });
    return { name, parse: true, ...(evicted === undefined ? {} : { evicted }) };
  }

  confirm(name: string): void {
    for (const statement of this.#byText.values()) if (statement.name === name) statement.confirmed = true;
  }

  #makeRoom(): string | undefined {
    if (this.#byText.size < this.#limit) return undefined;
    const [oldest] = this.#byText;
    if (oldest === undefined) return undefined;
    this.#byText.delete(oldest[0]);
    return oldest[1].name;
  }
}
