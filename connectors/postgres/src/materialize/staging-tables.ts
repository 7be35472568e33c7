import { quoteIdentifier } from '../types/identifier.ts';
import type { Statement } from './pipeline.ts';

/** Every commit empties all staging tables of its session, one by one: keep few. */
export const STAGING_TABLES_LIMIT = 16;

/**
 * The temporary tables of one connection, one per list of columns, in which rows wait for a merge. They empty themselves
 * at commit. What a transaction created exists only if it committed, so a transaction claims through a `StagingClaims`.
 */
export class StagingTables {
  /** Name by column list; the least recently used first. */
  readonly #names = new Map<string, string>();
  #counter = 0;

  begin(): StagingClaims {
    return new StagingClaims(this, new Map(this.#names));
  }

  newName(): string {
    this.#counter += 1;
    return `pg_temp.${quoteIdentifier(`brimful_stage_${this.#counter}`)}`;
  }

  commit(names: ReadonlyMap<string, string>): void {
    this.#names.clear();
    for (const [columns, name] of names) this.#names.set(columns, name);
  }
}

export class StagingClaims {
  readonly #tables: StagingTables;
  readonly #names: Map<string, string>;
  readonly #used = new Set<string>();

  constructor(tables: StagingTables, names: Map<string, string>) {
    this.#tables = tables;
    this.#names = names;
  }

  /** An empty staging table with these columns (SQL: `"a" integer, "b" text`), once the statements have run. */
  claim(columns: string): { readonly name: string; readonly statements: readonly Statement[] } {
    const known = this.#names.get(columns);
    if (known !== undefined) {
      this.#names.delete(columns);
      this.#names.set(columns, known);
      const statements = this.#used.has(known) ? [{ text: `TRUNCATE ${known}` }] : [];
      this.#used.add(known);
      return { name: known, statements };
    }
    const statements: Statement[] = this.#makeRoom();
    const name = this.#tables.newName();
    this.#names.set(columns, name);
    this.#used.add(name);
    statements.push({ text: `CREATE TEMPORARY TABLE ${name} (${columns}) ON COMMIT DELETE ROWS` });
    return { name, statements };
  }

  /** The transaction has committed. */
  committed(): void {
    this.#tables.commit(this.#names);
  }

  #makeRoom(): Statement[] {
    const statements: Statement[] = [];
    for (const [columns, name] of this.#names) {
      if (this.#names.size < STAGING_TABLES_LIMIT) break;
      this.#names.delete(columns);
      statements.push({ text: `DROP TABLE ${name}` });
    }
    return statements;
  }
}
