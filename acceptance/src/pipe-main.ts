import type { Connector } from '@brimful/connector';
import type { Runtime } from '@brimful/engine';
import { backfillCalls, serveControl } from '@brimful/control';
import { Backfills, planRepairs, crashPoints, startRuntime } from '@brimful/engine';
import type { Spec } from '@brimful/model';
import { STATUS_KEY } from '@brimful/model';
import { openFileStore } from '@brimful/store-file';
import type { PipeOptions } from './pipe-options.ts';
import { DEFAULT_LIMITS } from './pipe-options.ts';
import type { PipeReport } from './pipe-process.ts';

/** The child's side of `startPipe`: runs a pipe, reports over IPC, stops when told or when the parent is gone. */
const REPORT_MILLISECONDS = 50;
const PUBLISH_MILLISECONDS = 500;
/** Loaded only where a pipe names them, as the command line does. */
const LOADERS: Readonly<Record<string, () => Promise<{ readonly connector: unknown }>>> = {
  postgres: () => import('@brimful/connector-postgres'),
  duckdb: () => import('@brimful/connector-duckdb'),
  null: () => import('@brimful/connector-null'),
};

async function load(name: string): Promise<Connector> {
  const module = await LOADERS[name]?.();
  return module?.connector as Connector;
}

async function parsed(options: PipeOptions): Promise<Spec> {
  const names = [...options.captures, ...options.materializations].map(({ connector }) => connector);
  const loaded = new Map(await Promise.all(names.map(async (name) => [name, await load(name)] as const)));
  const config = (name: string, direction: 'capture' | 'destination', value: unknown): unknown =>
    loaded.get(name)?.[direction]?.config.parse(value);
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
const spec = await parsed(options);
const log = { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
const means = { spec, connectors: { load }, store, log, now: Date.now };
const runtime = await startRuntime({
  ...means,
  reach: crashPoints(process.env['BRIMFUL_CRASH_AT']),
  governed: options.governed ?? true,
});
const backfills = new Backfills({ ...means, executes: true });
const control = await serveControl(
  {
    backfills: backfillCalls(backfills),
    status: () => runtime.status(),
    verify: async (request, signal, onProgress) =>
      planRepairs(await runtime.verify(request, signal, onProgress), 'test', backfills, log),
  },
  options.dataDirectory,
);
const timer = setInterval(() => report(runtime), options.reportMilliseconds ?? REPORT_MILLISECONDS);
// Plans go by it, as with `brimful up`.
const publishing = setInterval(() => {
  store.registry
    .put(STATUS_KEY, runtime.status())
    .catch((error: unknown) => log.warn({ error }, 'publishing'));
}, PUBLISH_MILLISECONDS);
const stop = async (): Promise<void> => {
  clearInterval(timer);
  clearInterval(publishing);
  await control[Symbol.asyncDispose]();
  await runtime.stop();
  await store[Symbol.asyncDispose]();
  process.exit(0);
};
process.on('message', () => void stop());
process.on('disconnect', () => process.exit(1));
