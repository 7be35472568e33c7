import type { HttpTarget } from '@brimful/control';
import { DEFAULT_UNDO } from '@brimful/engine';
import type { LoadedConfig } from './load.ts';

/** What is in force, for people: without secrets, and without addresses that are secrets. (Invariant 10) */
export function settingsOf(config: LoadedConfig): ReturnType<HttpTarget['settings']> {
  const { file, dataDirectory, spec, backfill, alerts } = config;
  const { diskFreeBytes, diskUsedBytes, memoryBytes, retentionMilliseconds } = spec.limits;
  const { webhook } = alerts;
  return {
    file,
    dataDirectory,
    limits: {
      diskFreeBytes,
      diskUsedBytes: diskUsedBytes ?? null,
      memoryBytes,
      retentionMilliseconds: retentionMilliseconds ?? null,
    },
    backfill: { undo: backfill.undo ?? DEFAULT_UNDO, prices: backfill.prices ?? null },
    alerts: {
      ...alerts.limits,
      from: alerts.from,
      webhook:
        webhook === undefined
          ? null
          : { origin: new URL(webhook.url).origin, isSigned: webhook.secret !== undefined },
    },
  };
}
