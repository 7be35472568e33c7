import type { Json } from '@brimful/model';
import type { Position } from '@brimful/connector';
import type { Leaves } from './partition-change.ts';

/** What a session must know of earlier ones to see that the source is still the one it followed. */
export interface Memory {
  readonly systemId: string;
  readonly timeline: number;
  readonly database: string;
  readonly slot: string;
  /** Where the slot began. Undefined while it is being created. */
  readonly created: Position | undefined;
  readonly tables: ReadonlyMap<string, FollowedTable>;
}

/** A joined table, to tell it from a later one of its name, and to notice partitions that came or went meanwhile. */
export interface FollowedTable {
  readonly oid: number;
  readonly leaves: Leaves;
}

export function memoryToJson(memory: Memory): Json {
  return {
    systemId: memory.systemId,
    timeline: memory.timeline,
    database: memory.database,
    slot: memory.slot,
    created: memory.created?.toString() ?? null,
    tables: Object.fromEntries([...memory.tables].map(([name, table]) => [name, tableToJson(table)])),
  };
}

/** Undefined when there is no memory of a slot. */
export function memoryFromJson(json: Json | undefined): Memory | undefined {
  if (json === undefined || json === null || typeof json !== 'object' || Array.isArray(json))
    return undefined;
  // Written by `memoryToJson`.
  const note = json as Partial<Record<string, string | number | null>> & {
    readonly tables?: Record<string, TableNote>;
  };
  const { created } = note;
  return {
    systemId: String(note['systemId']),
    timeline: Number(note['timeline']),
    database: String(note['database']),
    slot: String(note['slot']),
    created: typeof created === 'string' ? BigInt(created) : undefined,
    tables: new Map(Object.entries(note.tables ?? {}).map(([name, table]) => [name, tableFromJson(table)])),
  };
}

/** An oid, with those of the partitions and their names where there are any. */
type TableNote = number | { readonly oid: number; readonly leaves: Record<string, string> };

function tableToJson({ oid, leaves }: FollowedTable): TableNote {
  return leaves.size === 0 ? oid : { oid, leaves: Object.fromEntries(leaves) };
}

function tableFromJson(note: TableNote): FollowedTable {
  if (typeof note === 'number') return { oid: note, leaves: new Map() };
  const leaves = Object.entries(note.leaves).map(([oid, name]): [number, string] => [Number(oid), name]);
  return { oid: note.oid, leaves: new Map(leaves) };
}
