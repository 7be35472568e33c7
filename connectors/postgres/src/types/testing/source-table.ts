import type { Batch, ColumnDefinition, Schema } from '@brimful/model';
import { BatchBuilder, ChangesBuilder } from '@brimful/model';
import { TypeCatalog } from '../../capture/type-catalog.ts';
import { endpointOf } from '../../wire/endpoint.ts';
import { PgoutputDecoder } from '../../wire/pgoutput-decoder.ts';
import type { PgoutputSink } from '../../wire/pgoutput-decoder.ts';
import { TableDecoder } from '../../wire/pgoutput-table.ts';
import { RawSession } from '../../wire/raw-session.ts';
import { columnTypeOf } from '../column-type.ts';
import { CopyDecoder } from '../copy-decoder.ts';
import { decoderOf, scanExpression } from '../decoder.ts';
import { quoteIdentifier } from '../identifier.ts';
import type { PostgresType } from '../postgres-type.ts';
import { typeName } from '../postgres-type.ts';

export async function openSession(url: string): Promise<RawSession> {
  return RawSession.connect(endpointOf({ url, connectTimeoutSeconds: 10 }), { purpose: 'test' });
}

/** A table with what its columns need to be decoded. The first column is the key. */
export interface SourceTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: PostgresType }[];
  readonly schema: Schema;
}

export async function describeTable(session: RawSession, name: string): Promise<SourceTable> {
  const rows = await session.query(
    `SELECT attname, atttypid::int8, atttypmod FROM pg_attribute
     WHERE attrelid = '${name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  );
  const catalog = new TypeCatalog();
  await catalog.load(
    session,
    rows.map((row) => Number(row[1])),
  );
  const columns = rows.map((row) => ({
    name: row[0] as string,
    type: catalog.get(Number(row[1]), Number(row[2])),
  }));
  const definitions = columns.map((column): ColumnDefinition => ({
    name: column.name,
    type: columnTypeOf(column.type),
    nullable: true,
    sourceType: typeName(column.type),
  }));
  return { name, columns, schema: { version: 1, columns: definitions, key: [definitions[0]?.name ?? ''] } };
}

/** Reads the whole table by binary COPY, in key order. */
export async function scanTable(session: RawSession, table: SourceTable): Promise<Batch> {
  const builder = new BatchBuilder(table.schema);
  const decoders = table.columns.map((column) => decoderOf(column.type));
  const decoder = new CopyDecoder({ decoders, builder, onFrame: session.frame, table: table.name });
  const list = table.columns.map(scanExpression).join(', ');
  await session.run(
    `COPY (SELECT ${list} FROM ${table.name} ORDER BY 1) TO STDOUT (FORMAT binary)`,
    undefined,
    decoder,
  );
  return builder.finish();
}

/** Decodes what a logical slot has, for one table, and moves the slot. */
export async function readSlot(
  session: RawSession,
  slot: string,
  publication: string,
  table: SourceTable,
): Promise<Batch> {
  const rows = await session.query(
    `SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('${slot}', NULL, NULL,
     'proto_version', '1', 'publication_names', '${publication}')`,
  );
  const changes = new ChangesBuilder(table.schema);
  const decoder = new PgoutputDecoder();
  const sink = new TableSink(table, changes);
  for (const [hex] of rows) {
    const bytes = Buffer.from(hex as string, 'hex');
    decoder.decode(bytes, 0, bytes.length, sink);
  }
  return changes.finish();
}

class TableSink implements PgoutputSink {
  readonly #table: SourceTable;
  readonly #changes: ChangesBuilder;
  #decoder: TableDecoder | undefined;

  constructor(table: SourceTable, changes: ChangesBuilder) {
    this.#table = table;
    this.#changes = changes;
  }

  begin(_finalLsn: bigint, _committedAt: bigint, xid: number): bigint {
    return BigInt(xid);
  }

  commit(): void {}

  relation(info: Parameters<PgoutputSink['relation']>[0]): void {
    if (quoteIdentifier(info.name) !== quoteIdentifier(this.#table.name.split('.').at(-1) ?? '')) return;
    const mapping = info.columns.map((column) => {
      const index = this.#table.columns.findIndex(({ name }) => name === column.name);
      const type = this.#table.columns[index]?.type;
      return { column: index, decoder: type === undefined ? 13 : decoderOf(type) } as const;
    });
    this.#decoder = new TableDecoder(info, this.#table.schema, mapping, this.#changes);
  }

  truncate(): void {}

  message(): void {}

  tableFor(relationId: number): TableDecoder | undefined {
    return this.#decoder?.relation.id === relationId ? this.#decoder : undefined;
  }
}
