import type { CatalogContent, Setting } from '@brimful/control';
import type { AlertSettings, LoadedConfig } from '../config/load.ts';
import { formatBytes, formatMilliseconds } from '../terminal/format.ts';

/** All that a configuration says, for comparison. */
export function contentOf(config: LoadedConfig): CatalogContent {
  return { spec: config.spec, settings: settingsOf(config) };
}

function settingsOf(config: LoadedConfig): Setting[] {
  const { backfill, server, alerts, dataDirectory } = config;
  const { limits } = config.spec;
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
    now('alerts', alertsText(alerts), alerts),
    later('server.host', server.host, server.host),
    later('server.port', String(server.port ?? 'the usual one'), server.port),
    later('server.names', server.names.join(', ') || 'none', server.names),
    // Invariant 10: whether there are any, never which.
    later('server.password', server.password === undefined ? 'none' : 'set', server.password),
    later('server.tokens', Object.keys(server.tokens).join(', ') || 'none', server.tokens),
  ];
}

/** Invariant 10: of the webhook's address only where it is. */
function alertsText({ limits, webhook, from }: AlertSettings): string {
  const { lagMilliseconds, retainedLogBytes, stalledMilliseconds, diskFreeBytes } = limits;
  const to =
    webhook === undefined
      ? 'no webhook'
      : `${new URL(webhook.url).origin} from ${from} on${webhook.secret === undefined ? '' : ', signed'}`;
  return [
    to,
    `lag ${formatMilliseconds(lagMilliseconds)}`,
    `log ${formatBytes(retainedLogBytes)}`,
    `stalled ${formatMilliseconds(stalledMilliseconds)}`,
    `disk ${formatBytes(diskFreeBytes)}`,
  ].join(', ');
}
