import type { Connector } from '@brimful/connector';
import { connector as duckdb } from '@brimful/connector-duckdb';
import { connector as nowhere } from '@brimful/connector-null';
import { connector as postgres } from '@brimful/connector-postgres';
import type { Runtime } from '@brimful/engine';
import { crashPoints, startRuntime } from '@brimful/engine';
import type { Spec } from '@brimful/model';
import { openFileStore } from '@brimful/store-file';
import type { PipeOptions } from './pipe-options.ts';
import { DEFAULT_LIMITS } from './pipe-options.ts';
import type { PipeReport } from './pipe-process.ts';

/** The child's side of `startPipe`: runs a pipe, reports over IPC, stops when told or when the parent is gone. */
const REPORT_MILLISECONDS = 50;
const CONNECTORS = { postgres, duckdb, null: nowhere } as unknown as Readonly<Record<string, Connector>>;

function parsed(options: PipeOptions): Spec {
  const config = (name: string, direction: 'capture' | 'destination', value: unknown): unknown =>
    CONNECTORS[name]?.[direction]?.config.parse(value);
  return {
    captures: options.captures.map((capture) => ({
      ...capture,
      config: config(capture.connector, 'capture', capture.config),
    })),
    collections: [],
    materializations: options.materializations.map((materialization) => ({
      ...materialization,
      config: config(materialization.connector, 'destination', materialization.config),
    })),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}

function report(runtime: Runtime): void {
  const cpu = process.cpuUsage();
  const message: PipeReport = {
    status: runtime.status(),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.send?.(message);
}

const options = JSON.parse(process.argv[2] as string) as PipeOptions;
const level = process.env['BRIMFUL_LOG'];
const write =
  (name: string) =>
  (fields: object, message: string): void => {
    if (level !== undefined || name === 'error')
      process.stderr.write(`${JSON.stringify({ level: name, message, ...fields })}\n`);
  };
const store = await openFileStore(options.dataDirectory);
const runtime = await startRuntime({
  spec: parsed(options),
  connectors: { load: async (name) => CONNECTORS[name] as Connector },
  store,
  log: { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') },
  now: Date.now,
  reach: crashPoints(process.env['BRIMFUL_CRASH_AT']),
});
const timer = setInterval(() => report(runtime), options.reportMilliseconds ?? REPORT_MILLISECONDS);
const stop = async (): Promise<void> => {
  clearInterval(timer);
  await runtime.stop();
  await store[Symbol.asyncDispose]();
  process.exit(0);
};
process.on('message', () => void stop());
process.on('disconnect', () => process.exit(1));
