import type { CaptureSpec, Limits, MaterializationSpec } from '@brimful/model';
import { DEFAULT_DISK_FREE_BYTES, DEFAULT_MEMORY_BYTES } from '@brimful/model';

/** A whole pipe as plain data: what a child process is told to run. */
export interface PipeOptions {
  readonly dataDirectory: string;
  readonly captures: readonly CaptureSpec[];
  readonly materializations: readonly MaterializationSpec[];
  readonly limits?: Partial<Limits>;
  /** How often the child reports its status. */
  readonly reportMilliseconds?: number;
  /** False: sources are read as fast as they give. */
  readonly governed?: boolean;
}

export const DEFAULT_LIMITS: Limits = {
  diskFreeBytes: DEFAULT_DISK_FREE_BYTES,
  diskUsedBytes: undefined,
  memoryBytes: DEFAULT_MEMORY_BYTES,
  retentionMilliseconds: undefined,
};

/** A capture of all tables of schema `public`, as `brimful.yaml` would describe it. */
export function captureAll(name: string, url: string, settings: object = {}): CaptureSpec {
  return {
    name,
    connector: 'postgres',
    config: { url, ...settings },
    bindings: [],
    autoDiscover: { schemas: ['public'], exclude: [], prefix: name.split('/')[0] as string },
  };
}

/** A materialization of all collections of a capture. */
export function materializeAll(
  name: string,
  connector: string,
  config: object,
  source: string,
): MaterializationSpec {
  return { name, connector, config, source, bindings: [], deletes: 'hard', adopt: false };
}
