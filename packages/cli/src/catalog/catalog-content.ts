import type { CatalogContent, Setting } from '@brimful/control';
import type { LoadedConfig } from '../config/load.ts';
import { formatBytes, formatMilliseconds } from '../terminal/format.ts';

/** All that a configuration says, for comparison. */
export function contentOf(config: LoadedConfig): CatalogContent {
  return { spec: config.spec, settings: settingsOf(config) };
}

function settingsOf({ spec: { limits }, alerts, backfill, server, dataDirectory }: LoadedConfig): Setting[] {
  const bytes = (value: number | undefined): string =>
    value === undefined ? 'no limit' : formatBytes(value);
  const { retentionMilliseconds } = limits;
  const now = (name: string, value: string, compared: unknown): Setting => ({
    name,
    value,
    compared: JSON.stringify(compared) ?? '',
    needsRestart: false,
  });
  const later = (name: string, value: string, compared: unknown): Setting => ({
    ...now(name, value, compared),
    needsRestart: true,
  });
  const prices = JSON.stringify(backfill.prices ?? null);
  return [
    later('dataDirectory', dataDirectory, dataDirectory),
    now('limits.diskFree', bytes(limits.diskFreeBytes), limits.diskFreeBytes),
    now('limits.diskUsed', bytes(limits.diskUsedBytes), limits.diskUsedBytes),
    now('limits.memory', bytes(limits.memoryBytes), limits.memoryBytes),
    now(
      'limits.retention',
      retentionMilliseconds === undefined ? 'all' : formatMilliseconds(retentionMilliseconds),
      retentionMilliseconds,
    ),
    now('backfill.undo', backfill.undo ?? '24h', backfill.undo),
    now('backfill.prices', prices === 'null' ? 'none' : prices, prices),
    ...Object.entries(alerts.limits).map(([name, value]) => later(`alerts: ${name}`, String(value), value)),
    // Invariant 10: an address may have a token in it.
    later('alerts.webhook', alerts.webhook === undefined ? 'none' : 'set', alerts.webhook),
    later('alerts.from', alerts.from, alerts.from),
    later('server.host', server.host, server.host),
    later('server.port', String(server.port ?? 'the usual one'), server.port),
    later('server.names', server.names.join(', ') || 'none', server.names),
    // Invariant 10: whether there are any, never which.
    later('server.password', server.password === undefined ? 'none' : 'set', server.password),
    later('server.tokens', Object.keys(server.tokens).join(', ') || 'none', server.tokens),
  ];
}
