import type { CaptureContext, Connector, ConnectorContext, Logger } from '@brimful/connector';
import type { CaptureSpec, MaterializationSpec } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { LoadedConfig } from './config/load.ts';
import { loadConfig } from './config/load.ts';
import { suggestion } from './config/nearest.ts';
import type { ConnectorRegistry } from './connectors.ts';
import { silentLog } from './log.ts';
import type { Output } from './output.ts';

/** What every command is given. Tests give other outputs, connectors and environments. */
export interface CommandContext {
  readonly output: Output;
  readonly connectors: ConnectorRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** As given with --config. */
  readonly configFile: string;
}

/** Loads the configuration; from then on the output knows its secrets. */
export async function loadedConfig(context: CommandContext): Promise<LoadedConfig> {
  const config = await loadConfig(context.configFile, {
    connectors: context.connectors,
    environment: context.environment,
    workingDirectory: context.workingDirectory,
  });
  context.output.redact = config.redact;
  return config;
}

/** The entry of that name; without a name, the only one. Throws `BRM-USAGE-NAME`. */
export function named<T extends { readonly name: string }>(
  all: readonly T[],
  name: string | undefined,
  noun: string,
): T {
  const names = all.map((entry) => entry.name);
  const found =
    name === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw new Problem(
    'BRM-USAGE-NAME',
    name === undefined
      ? `There are ${all.length} ${noun}s: say which.`
      : `There is no ${noun} called ${name}.`,
    { remedy: name === undefined ? `One of: ${names.join(', ')}.` : suggestion(name, names, noun) },
  );
}

export async function captureSide(
  spec: Pick<CaptureSpec, 'connector'>,
  connectors: ConnectorRegistry,
): Promise<NonNullable<Connector['capture']>> {
  const { capture } = await connectors.load(spec.connector);
  if (capture === undefined)
    throw new Problem('BRM-CONFIG-CONNECTOR', `${spec.connector} cannot be captured from.`);
  return capture;
}

export async function destinationSide(
  spec: Pick<MaterializationSpec, 'connector'>,
  connectors: ConnectorRegistry,
): Promise<NonNullable<Connector['destination']>> {
  const { destination } = await connectors.load(spec.connector);
  if (destination === undefined) {
    throw new Problem('BRM-CONFIG-CONNECTOR', `${spec.connector} cannot be materialized into.`);
  }
  return destination;
}

/** For commands that only look: nothing is remembered. */
export function connectorContext(log: Logger = silentLog): ConnectorContext {
  return { log, now: Date.now, reach() {} };
}

export function captureContext(capture: string, log: Logger = silentLog): CaptureContext {
  return { ...connectorContext(log), capture, async remember() {} };
}
