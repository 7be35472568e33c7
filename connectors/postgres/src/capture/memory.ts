import type { Json } from '@brimful/model';
import type { Position } from '@brimful/connector';

/** What a session must know of earlier ones to see that the source is still the one it followed. */
export interface Memory {
  readonly systemId: string;
  readonly timeline: number;
  readonly database: string;
  readonly slot: string;
  /** Where the slot began. Undefined while it is being created. */
  readonly created: Position | undefined;
  /** Joined tables by their oid, to tell a table from a later one of its name. */
  readonly tables: ReadonlyMap<string, number>;
}

export function memoryToJson(memory: Memory): Json {
  return {
    systemId: memory.systemId,
    timeline: memory.timeline,
    database: memory.database,
    slot: memory.slot,
    created: memory.created?.toString() ?? null,
    tables: Object.fromEntries(memory.tables),
  };
}

/** Undefined when there is no memory of a slot. */
export function memoryFromJson(json: Json | undefined): Memory | undefined {
  if (json === undefined || json === null || typeof json !== 'object' || Array.isArray(json))
    return undefined;
  // Written by `memoryToJson`, possibly of an earlier version.
  const note = json as Partial<Record<string, string | number | null>> & {
    readonly tables?: Record<string, number>;
  };
  const { created } = note;
  return {
    systemId: String(note['systemId']),
    timeline: Number(note['timeline']),
    database: String(note['database']),
    slot: String(note['slot']),
    created: typeof created === 'string' ? BigInt(created) : undefined,
    tables: new Map(Object.entries(note.tables ?? {})),
  };
}
