import { Client } from 'pg';

/** A question whose answer never changes, however the tables are exchanged under it. */
interface Question {
  readonly sql: string;
  readonly answer: string;
  /** Prepared once under this name and executed again and again. */
  readonly name?: string;
}

/** Connections that ask the same questions in tight loops, and note every error and every answer that is not the one. */
export class TableReaders {
  readonly #url: string;
  readonly #questions: readonly Question[];
  #running = false;
  #loops: Promise<void>[] = [];
  /** Wrong answers and errors; the first ones are enough. */
  readonly wrong: string[] = [];
  answers = 0;
  longestMilliseconds = 0;

  constructor(url: string, questions: readonly Question[]) {
    this.#url = url;
    this.#questions = questions;
  }

  start(): void {
    this.#running = true;
    this.#loops = this.#questions.map((question) => this.#ask(question));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  /** All since the last look. */
  takeLongestMilliseconds(): number {
    const longest = this.longestMilliseconds;
    this.longestMilliseconds = 0;
    return longest;
  }

  async #ask({ sql, answer, name }: Question): Promise<void> {
    const client = new Client({ connectionString: this.#url });
    client.on('error', (error) => this.#note(String(error)));
    await client.connect();
    try {
      while (this.#running) {
        const begun = performance.now();
        const said = await client.query({ text: sql, ...(name === undefined ? {} : { name }) }).then(
          ({ rows }) => JSON.stringify(rows),
          (error: unknown) => String(error),
        );
        this.longestMilliseconds = Math.max(this.longestMilliseconds, performance.now() - begun);
        this.answers += 1;
        if (said !== answer) this.#note(`${sql}: ${said}`);
      }
    } finally {
      await client.end();
    }
  }

  #note(what: string): void {
    if (this.wrong.length < 20) this.wrong.push(what);
  }
}

/** Reads a table in a transaction and keeps it open until disposed, as a long report does. */
export async function holdTable(url: string, sql: string): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  return {
    [Symbol.asyncDispose]: async () => {
      // It may still read what it has read, however long it has been holding it.
      await client.query(sql);
      await client.query('COMMIT');
      await client.end();
    },
  };
}
