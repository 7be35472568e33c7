/**
 * What the user asked for, validated and with every default filled in: plain data.
 *
 * The command line reads it from `brimful.yaml`; the engine runs it. Names are unique within their list. Secrets stay
 * inside `config`, which only the connector looks into. (Invariant 10)
 */
export interface Spec {
  readonly captures: readonly CaptureSpec[];
  /** Collections the user named. Those that autoDiscover brings are not listed here. */
  readonly collections: readonly CollectionSpec[];
  readonly materializations: readonly MaterializationSpec[];
  readonly limits: Limits;
}

/** Where something was written, for messages. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface CaptureSpec {
  /** `shop/postgres`: what comes before the last slash is the prefix of its collections. */
  readonly name: string;
  readonly connector: string;
  /** Already parsed by the connector's own schema. */
  readonly config: unknown;
  /** Resources the user named. They win over what autoDiscover would choose for the same resource. */
  readonly bindings: readonly CaptureBindingSpec[];
  /** Undefined: only `bindings` are captured. */
  readonly autoDiscover: AutoDiscover | undefined;
  readonly at?: Place;
}

export interface CaptureBindingSpec {
  /** As the connector's discovery names it: `public.orders`. */
  readonly resource: string;
  /** Name of the collection. No two bindings have the same. */
  readonly target: string;
  readonly at?: Place;
}

/** New tables are captured and backfilled by themselves. */
export interface AutoDiscover {
  /** Only resources of these schemas: what comes before the first dot of the resource's name. Undefined: all. */
  readonly schemas: readonly string[] | undefined;
  /** Resource names that are left alone. `*` stands for any characters. */
  readonly exclude: readonly string[];
  /** Discovered collections are called `<prefix>/<suggestedTarget>`. */
  readonly prefix: string;
}

export interface CollectionSpec {
  readonly name: string;
  readonly at?: Place;
}

export interface MaterializationSpec {
  readonly name: string;
  readonly connector: string;
  /** Already parsed by the connector's own schema. */
  readonly config: unknown;
  /** Name of a capture all of whose collections, future ones too, are materialized. Undefined: only `bindings`. */
  readonly source: string | undefined;
  /** Collections the user named. They win over what `source` would choose for the same collection. */
  readonly bindings: readonly MaterializationBindingSpec[];
  /** For tables that `source` brings. */
  readonly deletes: 'hard' | 'soft';
  readonly adopt: boolean;
  readonly at?: Place;
}

export interface MaterializationBindingSpec {
  /** Name of the collection. */
  readonly source: string;
  readonly table: string;
  readonly deletes: 'hard' | 'soft';
  readonly adopt: boolean;
  readonly at?: Place;
}

export interface Limits {
  /** Captures pause while the data directory's disk has less than this left. */
  readonly diskFreeBytes: number;
  /** Captures pause while the data directory holds more than this. Undefined: only `diskFreeBytes` counts. */
  readonly diskUsedBytes: number | undefined;
  /** For all chunks and batches in flight together. */
  readonly memoryBytes: number;
  /** Journal entries that every materialization has are forgotten after this. Undefined: everything is kept. */
  readonly retentionMilliseconds: number | undefined;
}

/** Chosen so that a small virtual machine keeps room for its own log files. */
export const DEFAULT_DISK_FREE_BYTES = 1024 ** 3;
/** Leaves room for the runtime itself within 400 MB. */
export const DEFAULT_MEMORY_BYTES = 192 * 1024 ** 2;

/** `shop/postgres` → `shop`; a name without a slash is its own prefix. */
export function collectionPrefix(capture: string): string {
  const slash = capture.lastIndexOf('/');
  return slash === -1 ? capture : capture.slice(0, slash);
}

/** The table a collection becomes when the user named none: `shop/orders` → `orders`, `shop/sales/orders` → `sales_orders`. */
export function defaultTable(collection: string): string {
  const parts = collection.split('/');
  return (parts.length > 1 ? parts.slice(1) : parts).join('_');
}

/** Whether autoDiscover takes a resource. */
export function isDiscovered(resource: string, autoDiscover: AutoDiscover): boolean {
  const { schemas, exclude } = autoDiscover;
  if (schemas !== undefined && !schemas.some((schema) => resource.startsWith(`${schema}.`))) return false;
  return !exclude.some((pattern) => matches(pattern, resource));
}

function matches(pattern: string, name: string): boolean {
  const source = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${source.join('.*')}$`, 'su').test(name);
}
