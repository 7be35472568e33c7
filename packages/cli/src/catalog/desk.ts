import { existsSync } from 'node:fs';
import type { CatalogCalls } from '@brimful/control';
import { ControlClient } from '@brimful/control';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import { storeOrPipe } from '../backfill/desk.ts';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { LoadedConfig } from '../config/load.ts';
import { parseConfig } from '../config/load.ts';
import { openStoreReadonly } from '../data-directory.ts';
import { silentLog } from '../log.ts';
import { Publisher } from './publisher.ts';

/** Where a command talks about the catalog: a running pipe, or its store when none runs. */
export interface CatalogDesk {
  readonly config: LoadedConfig;
  readonly catalog: CatalogCalls;
  /** Whether something runs that follows at once; otherwise the next `brimful up` does. */
  readonly isRunning: boolean;
}

/** `look`: nothing is written. Throws `BRM-STATUS-NONE` where nothing has run yet. */
export async function atCatalog<Result>(
  context: CommandContext,
  purpose: 'look' | 'change',
  work: (desk: CatalogDesk) => Promise<Result>,
): Promise<Result> {
  const config = await loadedConfig(context);
  const { dataDirectory } = config;
  if (!existsSync(dataDirectory)) {
    throw new Problem('BRM-STATUS-NONE', 'Nothing was applied with this data directory yet.', {
      remedy: 'Start it with: brimful up',
      at: { directory: dataDirectory },
    });
  }
  const pipe = await ControlClient.find(dataDirectory);
  if (pipe !== undefined) return work({ config, catalog: pipe.catalog, isRunning: true });
  const held = purpose === 'look' ? await openStoreReadonly(dataDirectory) : await storeOrPipe(dataDirectory);
  if (held instanceof ControlClient) return work({ config, catalog: held.catalog, isRunning: true });
  await using store = held;
  return await work({ config, catalog: publisherOn(store, config, context), isRunning: false });
}

function publisherOn(store: Store, { file }: LoadedConfig, context: CommandContext): Publisher {
  const { connectors } = context;
  return new Publisher({
    path: file,
    store,
    connectors,
    load: (text) => parseConfig(text, file, context),
    log: silentLog,
    now: Date.now,
  });
}
