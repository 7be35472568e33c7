import type { Batch } from '@brimful/model';

import type { OpenTable, TableFacts } from './open-table.ts';
import type { Statement } from './pipeline.ts';
import type { StagingClaims } from './staging-tables.ts';
import type { Tuning } from './tuning.ts';

/** What a statement is for, so that its failure can be told in terms of the table. */
export interface Origin {
  readonly table: OpenTable;
  /** For messages: `merging 12 rows`. */
  readonly doing: string;
  /** Batches whose rows a COPY sends, in order: the server names rows by line. */
  readonly lines?: readonly Batch[];
  readonly kind?: 'fence';
  /** Rows that must have been touched; fewer is worth a warning. */
  readonly expect?: number;
}

/** How a transaction is to be written, after what happened to earlier attempts. */
export interface Attempt {
  readonly tuning: Tuning;
  /** Empty tables by DELETE: TRUNCATE was kept waiting by readers too often. */
  readonly truncateByDelete: boolean;
}

/** The statements of one transaction as they are gathered, and what will be so once it has committed. */
export class Transaction {
  readonly statements: Statement[] = [];
  /** Aligned with `statements`. */
  readonly origins: (Origin | undefined)[] = [];
  readonly staging: StagingClaims;
  readonly attempt: Attempt;
  /** It takes ACCESS EXCLUSIVE locks, so it must not wait for them long: others queue up behind it. */
  exclusive = false;
  readonly #facts = new Map<OpenTable, TableFacts>();

  constructor(staging: StagingClaims, attempt: Attempt) {
    this.staging = staging;
    this.attempt = attempt;
  }

  add(statement: Statement, origin?: Origin): void {
    this.statements.push(statement);
    this.origins.push(origin);
  }

  /** A table as it is at this point of the transaction. */
  facts(table: OpenTable): TableFacts {
    return this.#facts.get(table) ?? table.facts;
  }

  change(table: OpenTable, facts: Partial<TableFacts>): void {
    this.#facts.set(table, { ...this.facts(table), ...facts });
  }

  /** Tables whose facts differ from what the bookkeeping says. */
  changed(): IterableIterator<[OpenTable, TableFacts]> {
    return this.#facts.entries();
  }

  /** The server has committed it: what was planned is so. */
  committed(): void {
    this.staging.committed();
    for (const [table, facts] of this.#facts) table.facts = facts;
  }
}
