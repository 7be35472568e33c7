import type { ChangesBuilder, Schema } from '@brimful/model';
import type { DecoderCode } from '../types/decoder.ts';
import type { RelationInfo } from './pgoutput-relation.ts';

/** How one column of a relation reaches a schema's column. */
export interface RelationMapping {
  /** Index in `schema.columns`, or -1 to leave the column out. */
  readonly column: number;
  readonly decoder: DecoderCode;
}

/**
 * Writes one table's changes into a builder. Make a new one for every Relation message; `changes` may be replaced
 * between messages (it must have the same schema).
 *
 * Columns of the schema that the relation lacks (generated ones before server 18) are appended as unknown.
 */
export class TableDecoder {
  readonly relation: RelationInfo;
  readonly schema: Schema;
  changes: ChangesBuilder;

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
    void mapping;
  }
}
