import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { backfillCalls, ControlClient } from '@brimful/control';
import type { BackfillCalls } from '@brimful/control';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ConnectorRegistry } from '../connectors.ts';
import { openStore, openStoreReadonly } from '../data-directory.ts';
import { silentLog } from '../log.ts';

/** Where a command talks about runs: a running pipe, or its store when none runs. */
export interface Desk {
  readonly config: LoadedConfig;
  readonly backfills: BackfillCalls;
  /** Undefined when nothing runs here: what is decided is done by the next `brimful up`. */
  readonly pipe: ControlClient | undefined;
}

/** Another short command, or an `up` that is just starting, lets go of the data directory within this. */
const PATIENCE_MILLISECONDS = 5_000;
const TRY_EVERY_MILLISECONDS = 250;

/** `look`: nothing is written, so it also works where nothing may be. */
export async function atDesk<Result>(
  context: CommandContext,
  purpose: 'look' | 'change',
  work: (desk: Desk) => Promise<Result>,
): Promise<Result> {
  const config = await loadedConfig(context);
  const { dataDirectory } = config;
  if (!existsSync(dataDirectory) && purpose === 'look') {
    throw new Problem('BRM-STATUS-NONE', 'Nothing has run with this data directory yet.', {
      remedy: 'Start it with: brimful up',
      at: { directory: dataDirectory },
    });
  }
  const pipe = await ControlClient.find(dataDirectory);
  if (pipe !== undefined) return work({ config, pipe, backfills: pipe.backfills });
  if (purpose === 'look') {
    await using store = await openStoreReadonly(dataDirectory);
    return await work({
      config,
      pipe: undefined,
      backfills: await callsOn(store, config, context.connectors),
    });
  }
  const held = await storeOrPipe(dataDirectory);
  if (held instanceof ControlClient) return work({ config, pipe: held, backfills: held.backfills });
  await using store = held;
  return await work({ config, pipe: undefined, backfills: await callsOn(store, config, context.connectors) });
}

async function callsOn(
  store: Store,
  { spec, backfill: { prices } }: LoadedConfig,
  connectors: ConnectorRegistry,
): Promise<BackfillCalls> {
  const { Backfills } = await import('@brimful/engine');
  const options = { spec, connectors, store, log: silentLog, now: Date.now };
  return backfillCalls(new Backfills(prices === undefined ? options : { ...options, prices }));
}

/** A pipe that starts holds the store before it can be talked to. */
export async function storeOrPipe(dataDirectory: string): Promise<Store | ControlClient> {
  const until = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      return await openStore(dataDirectory);
    } catch (thrown) {
      const locked = thrown instanceof Problem && thrown.code === 'BRM-STORE-LOCKED';
      if (!locked || Date.now() > until) throw thrown;
    }
    await pause(TRY_EVERY_MILLISECONDS);
    const pipe = await ControlClient.find(dataDirectory);
    if (pipe !== undefined) return pipe;
  }
}
