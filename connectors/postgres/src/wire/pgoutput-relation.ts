import { protocolProblem } from '../types/value-problem.ts';
import { readUint32 } from './pgoutput-frames.ts';

/** A table as pgoutput announces it, before its first change and after every change of its shape. */
export interface RelationInfo {
  readonly id: number;
  /** Empty in the protocol means pg_catalog; here it is spelled out. */
  readonly schema: string;
  readonly name: string;
  /** REPLICA IDENTITY: default, nothing, full, index. */
  readonly identity: 'd' | 'n' | 'f' | 'i';
  /** In the order of the tuples. Dropped and (before server 18) generated columns are missing. */
  readonly columns: readonly RelationColumn[];
}

export interface RelationColumn {
  readonly name: string;
  /** Part of the replica identity; under `full`, every column. */
  readonly key: boolean;
  readonly typeOid: number;
  readonly modifier: number;
}

const KEY_FLAG = 1;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Reads a Relation message after its kind byte. */
export function readRelation(buffer: Uint8Array, start: number): RelationInfo {
  const id = readUint32(buffer, start);
  const schema = readName(buffer, start + 4);
  const name = readName(buffer, schema.next);
  let at = name.next;
  const identity = String.fromCharCode(buffer[at] as number);
  if (identity !== 'd' && identity !== 'n' && identity !== 'f' && identity !== 'i') {
    throw protocolProblem(`pgoutput announced a relation with replica identity ${identity}`);
  }
  const count = ((buffer[at + 1] as number) << 8) | (buffer[at + 2] as number);
  at += 3;
  const columns: RelationColumn[] = [];
  for (let index = 0; index < count; index += 1) {
    const key = ((buffer[at] as number) & KEY_FLAG) !== 0;
    const column = readName(buffer, at + 1);
    columns.push({
      name: column.text,
      key,
      typeOid: readUint32(buffer, column.next),
      modifier: readUint32(buffer, column.next + 4) | 0,
    });
    at = column.next + 8;
  }
  return { id, schema: schema.text === '' ? 'pg_catalog' : schema.text, name: name.text, identity, columns };
}

/** Text that ends with a zero byte, and where what follows starts. */
export function readName(
  buffer: Uint8Array,
  start: number,
): { readonly text: string; readonly next: number } {
  const end = buffer.indexOf(0, start);
  if (end === -1) throw protocolProblem('a name in pgoutput has no end');
  return { text: UTF8.decode(buffer.subarray(start, end)), next: end + 1 };
}
