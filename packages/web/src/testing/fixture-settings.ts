import type { Settings } from '@brimful/api';

const GIGABYTE = 1e9;

export function settingsAt(startedAt: number): Settings {
  return {
    file: '/srv/brimful/brimful.yaml',
    dataDirectory: '/srv/brimful/data',
    limits: {
      diskFreeBytes: 1_073_741_824,
      diskUsedBytes: null,
      memoryBytes: 201_326_592,
      retentionMilliseconds: 7 * 86_400_000,
    },
    backfill: {
      undo: '24h',
      prices: {
        currency: 'EUR',
        sourceReadPerGb: 0.02,
        destinationWritePerGb: 0.05,
        destinationWritePerMillionRows: 0,
        storagePerGbMonth: 0.1,
      },
    },
    alerts: {
      lagMilliseconds: 300_000,
      retainedLogBytes: 8 * GIGABYTE,
      stalledMilliseconds: 600_000,
      diskFreeBytes: 2 * GIGABYTE,
      from: 'info',
      webhook: { origin: 'https://hooks.example.com', isSigned: true },
    },
    server: { host: '0.0.0.0', port: 4646, names: ['brimful.example.com'], isExposed: true },
    access: {
      hasPassword: true,
      sessions: 2,
      tokens: [
        { name: 'ci', lastUsedAt: startedAt - 90_000 },
        { name: 'grafana', lastUsedAt: startedAt },
        { name: 'nightly', lastUsedAt: null },
      ],
    },
    startedAt: startedAt - 3 * 86_400_000,
  };
}
