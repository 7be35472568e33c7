import type { Position, Resume } from '@brimful/connector';
import type { Schema } from '@brimful/model';
import { ChangesBuilder } from '@brimful/model';
import type { Leaves } from './partition-change.ts';
import { leavesOf } from './partition-change.ts';
import type { PublicationKind } from './publications.ts';
import type { Table } from './table.ts';

/** A table in the stream: its shape there, what its journal has of it, and the changes decoded but not yet handed over. */
export class JoinedTable {
  readonly resource: string;
  /** Schema and name as it joined: a table that is renamed since is another resource. */
  readonly name: readonly [string, string];
  /** As last read from the catalog, which may be ahead of the stream. */
  table: Table;
  /** Which publication it joined: a key that it gets later changes nothing about what the log brings. */
  readonly publication: PublicationKind;
  /** The partitions it is known to have, so that a change of them is noticed. */
  leaves: Leaves;
  /** The source's end of log before the table was read from the catalog on joining. */
  readonly asOf: Position;
  /** As of the stream. */
  schema: Schema;
  /** `schema` was delivered in this session. */
  announced = false;
  /** Nothing is delivered any more. */
  ended = false;
  changes: ChangesBuilder | undefined;
  /** Numbers of columns that the catalog says are never null, and the stream showed null. */
  readonly loosened = new Set<number>();
  /** When the table is being read again: everything that happened up to `at`, and made it this shape, is in that read. */
  reread: { readonly at: Position; readonly schema: Schema } | undefined;
  #position: Position;
  #cut: { readonly position: Position; readonly skip: number } | undefined;
  /** The transaction (counted by the session) that `seen` and `skip` are about. */
  #serial = -1;
  /** Changes met in it. */
  #seen = 0;
  /** How many of them the journal has. */
  #skip = 0;

  constructor(resource: string, table: Table, schema: Schema, asOf: Position, from: Position) {
    this.resource = resource;
    this.table = table;
    this.leaves = leavesOf(table);
    this.publication = table.identity.publication;
    this.name = [table.schema, table.name];
    this.schema = schema;
    this.asOf = asOf;
    this.#position = from;
  }

  get oid(): number {
    return this.table.oid;
  }

  /** The journal's own word, at the start of a session. */
  resumeFrom(resume: Resume): void {
    this.#position = BigInt(resume.position);
    this.#cut =
      resume.cut === undefined ? undefined : { position: BigInt(resume.cut.position), skip: resume.cut.skip };
  }

  /**
   * Counts a change of the transaction that commits at `final`; false when the journal has it. Replays count alike,
   * because the log and protocol version 1 replay identically. (Invariant 4)
   */
  admits(serial: number, final: Position): boolean {
    if (this.#serial !== serial) {
      this.#serial = serial;
      this.#seen = 0;
      this.#skip = this.#taken(final);
    }
    this.#seen += 1;
    return this.#seen > this.#skip;
  }

  builder(): ChangesBuilder {
    this.changes ??= new ChangesBuilder(this.schema);
    return this.changes;
  }

  /** Where the journal stands once it has everything admitted so far. `open`: the transaction that is under way. */
  resume(passed: Position, open: { readonly serial: number; readonly final: Position } | undefined): Resume {
    const position = (passed > this.#position ? passed : this.#position).toString();
    if (open === undefined || open.serial !== this.#serial || this.#skip === Number.POSITIVE_INFINITY) {
      return { position };
    }
    return { position, cut: { position: open.final.toString(), skip: Math.max(this.#seen, this.#skip) } };
  }

  #taken(final: Position): number {
    if (final <= this.#position) return Number.POSITIVE_INFINITY;
    return this.#cut?.position === final ? this.#cut.skip : 0;
  }
}
