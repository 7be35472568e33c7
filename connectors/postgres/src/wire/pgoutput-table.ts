import type { ChangesBuilder, ColumnBuilder, OperationCode, Schema } from '@brimful/model';
import { keyIndices, Operation, Problem } from '@brimful/model';
import type { DecoderCode } from '../types/decoder.ts';
import { Decoder } from '../types/decoder.ts';
import { appendText } from '../types/text-decoder.ts';
import { UnfitValue, valueProblem } from '../types/value-problem.ts';
import type { RelationInfo } from './pgoutput-relation.ts';
import { NULL_FIELD, Tuple, UNCHANGED_FIELD } from './pgoutput-tuple.ts';

/** How one column of a relation reaches a schema's column. */
export interface RelationMapping {
  /** Index in `schema.columns`, or -1 to leave the column out. */
  readonly column: number;
  readonly decoder: DecoderCode;
}

/** What all rows of a transaction carry. */
export interface TransactionMark {
  readonly committedAt: bigint;
  readonly position: bigint;
  readonly transaction: bigint;
}

const KEY_TUPLE = 0x4b;
const OLD_TUPLE = 0x4f;
const NEW_TUPLE = 0x4e;
/** For schema columns that the relation lacks. */
const NO_FIELD = -1;

/**
 * Writes one table's changes into a builder. Make a new one for every Relation message; `changes` may be replaced
 * between messages (it must have the same schema).
 *
 * Columns of the schema that the relation lacks (generated ones before server 18) are appended as unknown. Without a
 * key, an update becomes a delete of the old row and an insert of the new one.
 */
export class TableDecoder {
  readonly relation: RelationInfo;
  readonly schema: Schema;
  changes: ChangesBuilder;
  /** Per schema column: the relation's field, or NO_FIELD. */
  readonly #fields: Int32Array;
  readonly #decoders: Uint8Array;
  /** Per part of the key: the relation's field. */
  readonly #keyFields: Int32Array;
  /** Per schema column: whether it is part of the key. */
  readonly #isKey: readonly boolean[];
  readonly #old: Tuple;
  readonly #new: Tuple;
  /** The collection's key is what the log names old rows by. */
  readonly #identityFits: boolean;

  /** `mapping` is aligned with `relation.columns`. */
  constructor(
    relation: RelationInfo,
    schema: Schema,
    mapping: readonly RelationMapping[],
    changes: ChangesBuilder,
  ) {
    this.relation = relation;
    this.schema = schema;
    this.changes = changes;
    this.#fields = new Int32Array(schema.columns.length).fill(NO_FIELD);
    this.#decoders = new Uint8Array(schema.columns.length).fill(Decoder.text);
    for (const [field, { column, decoder }] of mapping.entries()) {
      if (column === -1) continue;
      this.#fields[column] = field;
      this.#decoders[column] = decoder;
    }
    const key = keyIndices(schema);
    this.#keyFields = Int32Array.from(key, (column) => this.#fields[column] as number);
    this.#isKey = schema.columns.map((_, index) => key.includes(index));
    this.#old = new Tuple(relation.columns.length);
    this.#new = new Tuple(relation.columns.length);
    this.#identityFits = identityCovers(relation, mapping, schema);
  }

  /** `at`: behind the relation's id. */
  insert(buffer: Uint8Array, at: number, end: number, mark: TransactionMark): void {
    expectKind(buffer, at, NEW_TUPLE);
    this.#new.read(buffer, at + 1, end);
    this.#requireKey();
    this.#appendRow(buffer, this.#new);
    this.#end(Operation.insert, mark);
  }

  update(buffer: Uint8Array, start: number, end: number, mark: TransactionMark): void {
    let at = start;
    const kind = buffer[at];
    if (!this.#identityFits) throw this.#identityProblem();
    const hasOld = kind === KEY_TUPLE || kind === OLD_TUPLE;
    if (hasOld) at = this.#old.read(buffer, at + 1, end);
    expectKind(buffer, at, NEW_TUPLE);
    this.#new.read(buffer, at + 1, end);
    if (hasOld) this.#fillUnchanged(kind === OLD_TUPLE);
    if (this.#keyFields.length === 0) {
      if (kind !== OLD_TUPLE) throw this.#identityProblem();
      this.#appendRow(buffer, this.#old);
      this.#end(Operation.delete, mark);
      this.#appendRow(buffer, this.#new);
      return this.#end(Operation.insert, mark);
    }
    this.#requireKey();
    const moves = hasOld && !this.#sameKey(buffer);
    if (moves) this.#appendOldKey(buffer);
    this.#appendRow(buffer, this.#new);
    this.#end(moves ? Operation.move : Operation.update, mark);
  }

  delete(buffer: Uint8Array, at: number, end: number, mark: TransactionMark): void {
    if (!this.#identityFits) throw this.#identityProblem();
    const keyless = this.#keyFields.length === 0;
    if (buffer[at] !== OLD_TUPLE) {
      if (keyless) throw this.#identityProblem();
      expectKind(buffer, at, KEY_TUPLE);
    }
    this.#old.read(buffer, at + 1, end);
    if (keyless) this.#appendRow(buffer, this.#old);
    else this.#appendKeyOnly(buffer);
    this.#end(Operation.delete, mark);
  }

  #end(operation: OperationCode, mark: TransactionMark): void {
    this.changes.endChange(operation, mark.committedAt, mark.position, mark.transaction);
  }

  /** What the update did not touch is in the old row, where the log has it: all of it, or only the key. */
  #fillUnchanged(wholeRow: boolean): void {
    const { columns } = this.relation;
    for (let field = 0; field < columns.length; field += 1) {
      if (!this.#new.isUnchanged(field)) continue;
      if (wholeRow || (columns[field] as (typeof columns)[number]).key) this.#new.take(field, this.#old);
    }
  }

  /** Servers before the fixes of February 2022 leave a TOASTed key out of the log; such a row cannot be named. */
  #requireKey(): void {
    const fields = this.#keyFields;
    for (let part = 0; part < fields.length; part += 1) {
      const field = fields[part] as number;
      if (field === NO_FIELD || this.#new.isUnchanged(field)) throw this.#identityProblem();
    }
  }

  #sameKey(buffer: Uint8Array): boolean {
    const fields = this.#keyFields;
    for (let part = 0; part < fields.length; part += 1) {
      if (!this.#new.sameField(fields[part] as number, this.#old, buffer)) return false;
    }
    return true;
  }

  #appendRow(buffer: Uint8Array, tuple: Tuple): void {
    const { columns } = this.changes;
    for (let column = 0; column < columns.length; column += 1) {
      this.#appendField(buffer, tuple, column, columns[column] as ColumnBuilder);
    }
  }

  #appendKeyOnly(buffer: Uint8Array): void {
    const { columns } = this.changes;
    for (let column = 0; column < columns.length; column += 1) {
      const builder = columns[column] as ColumnBuilder;
      if (this.#isKey[column] === true) this.#appendField(buffer, this.#old, column, builder);
      else builder.appendNull();
    }
  }

  #appendOldKey(buffer: Uint8Array): void {
    const builders = this.changes.oldKey();
    const key = keyIndices(this.schema);
    for (let part = 0; part < key.length; part += 1) {
      this.#appendField(buffer, this.#old, key[part] as number, builders[part] as ColumnBuilder);
    }
  }

  #appendField(buffer: Uint8Array, tuple: Tuple, column: number, builder: ColumnBuilder): void {
    const field = this.#fields[column] as number;
    const start = field === NO_FIELD ? UNCHANGED_FIELD : (tuple.starts[field] as number);
    if (start === NULL_FIELD) return builder.appendNull();
    if (start === UNCHANGED_FIELD) return builder.appendUnknown();
    try {
      const decoder = this.#decoders[column] as DecoderCode;
      appendText(decoder, buffer, start, tuple.ends[field] as number, builder);
    } catch (cause) {
      throw cause instanceof UnfitValue ? this.#explain(cause, buffer, tuple, column) : cause;
    }
  }

  /** Invariant 6: names the row's key and the column. */
  #explain(unfit: UnfitValue, buffer: Uint8Array, tuple: Tuple, column: number): Problem {
    const { name, sourceType } = this.schema.columns[column] as Schema['columns'][number];
    const parts = this.schema.key.map((part, index) => {
      const field = this.#keyFields[index] as number;
      const start = field === NO_FIELD ? NULL_FIELD : (tuple.starts[field] as number);
      const text = start < 0 ? '?' : new TextDecoder().decode(buffer.subarray(start, tuple.ends[field]));
      return `${part}=${text}`;
    });
    return valueProblem(unfit, {
      table: this.#table,
      column: name,
      sourceType,
      ...(parts.length === 0 ? {} : { key: parts.join(', ') }),
    });
  }

  get #table(): string {
    return `${this.relation.schema}.${this.relation.name}`;
  }

  #identityProblem(): Problem {
    const key = this.schema.key.length === 0 ? 'no key' : `the key (${this.schema.key.join(', ')})`;
    return new Problem(
      'BRM-PG-IDENTITY',
      `${this.#table} was changed, but its log does not name rows as the collection does, by ${key}`,
      {
        remedy: `Give the table back the replica identity it had when it was captured, or reset its collection.`,
        at: { table: this.#table },
      },
    );
  }
}

/**
 * Whether updates and deletes in the log name rows in a way that the collection can follow: by all of its key's
 * columns, or by the whole row. `mapping` is aligned with `relation.columns`.
 */
function identityCovers(
  relation: RelationInfo,
  mapping: readonly RelationMapping[],
  schema: Schema,
): boolean {
  const whole = relation.identity === 'f';
  const key = keyIndices(schema);
  if (key.length === 0) return whole;
  return key.every((index) =>
    mapping.some(({ column }, field) => column === index && (whole || relation.columns[field]?.key === true)),
  );
}

function expectKind(buffer: Uint8Array, at: number, kind: number): void {
  if (buffer[at] !== kind) {
    throw new Problem('BRM-PG-PROTOCOL', `pgoutput sent a tuple of kind ${buffer[at]} instead of ${kind}`, {
      kind: 'bug',
    });
  }
}
