import type { Json } from '@brimful/model';
import type { TableHandle, TableRequest } from '@brimful/connector';

import { quoteIdentifier } from '../types/identifier.ts';
import type { TableShape } from './table-shape.ts';

/**
 * `loading`: rows are appended, there is no key yet. `indexed`: history is being replayed over the loaded rows.
 * `settled`: the table is complete and follows its collection.
 */
export type TableState = 'loading' | 'indexed' | 'settled';

/** What changes about a table while it is written. Immutable: a transaction works on the next one. */
export interface TableFacts {
  readonly state: TableState;
  readonly shape: TableShape;
  readonly schemaVersion: number;
}

/** A table that this writer owns, since it holds the fence at `epoch`. */
export class OpenTable implements TableHandle {
  readonly request: TableRequest;
  readonly checkpoint: Json | undefined;
  /** Of its row in `brimful.tables`. */
  readonly id: string;
  readonly epoch: string;
  readonly schemaName: string;
  /** Changes with a swap that has committed. */
  relationName: string;
  readonly adopted: boolean;
  /** As of the last transaction that committed. */
  facts: TableFacts;

  constructor(options: {
    readonly request: TableRequest;
    readonly checkpoint: Json | undefined;
    readonly id: string;
    readonly epoch: string;
    readonly schemaName: string;
    readonly relationName: string;
    readonly adopted: boolean;
    readonly facts: TableFacts;
  }) {
    this.request = options.request;
    this.checkpoint = options.checkpoint;
    this.id = options.id;
    this.epoch = options.epoch;
    this.schemaName = options.schemaName;
    this.relationName = options.relationName;
    this.adopted = options.adopted;
    this.facts = options.facts;
  }

  get place(): 'live' | 'beside' {
    return this.relationName === this.request.id.table ? 'live' : 'beside';
  }

  /** For SQL. */
  get relation(): string {
    return `${quoteIdentifier(this.schemaName)}.${quoteIdentifier(this.relationName)}`;
  }

  /** For people. */
  get name(): string {
    return this.request.id.table;
  }

  get soft(): boolean {
    return this.request.deletes === 'soft';
  }

  /** Holds the keys that changed while the table is loaded. */
  get touched(): string {
    return `"brimful".${quoteIdentifier(`touched_${this.id}`)}`;
  }
}
