import { existsSync, rmSync } from 'node:fs';
import type { MaterializationSpec, RuntimeStatus } from '@brimful/model';
import { STATUS_KEY } from '@brimful/model';
import type { Registry } from '@brimful/store';
import type { CommandContext } from '../command-context.ts';
import {
  captureContext,
  captureSide,
  connectorContext,
  destinationSide,
  loadedConfig,
} from '../command-context.ts';
import type { LoadedConfig } from '../config/load.ts';
import { openStore } from '../data-directory.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { askOn } from '../terminal/ask.ts';

export interface DownOptions {
  readonly drop: boolean;
  readonly dropTables: boolean;
  readonly yes: boolean;
}

/** Removes what Brimful left at the source and on this machine. Destination tables stay unless asked for. */
export async function down(context: CommandContext, options: DownOptions): Promise<ExitCodeNumber> {
  const config = await loadedConfig(context);
  const { output } = context;
  const steps = plan(config, options);
  if (!options.drop) {
    print(
      output,
      [
        'Nothing was changed. A running pipe is stopped with Ctrl-C (or SIGTERM), and `brimful up` goes on where it was.',
        'To remove it for good: brimful down --drop. That would',
        ...steps.map((step) => `  - ${step}`),
      ].join('\n'),
    );
    return ExitCode.ok;
  }
  if (!options.yes) {
    if (output.interactive) print(output, ['This will', ...steps.map((step) => `  - ${step}`)].join('\n'));
    if (!(await askOn(output, 'This removes data. Add --yes if you are sure.')('Go ahead?'))) {
      print(output, 'Nothing was changed.');
      return ExitCode.problem;
    }
  }
  await remove(context, config, options);
  if (output.json) printJson(output, { dropped: steps });
  else print(output, steps.map((step) => `✓ ${step}`).join('\n'));
  return ExitCode.ok;
}

function plan({ spec, dataDirectory }: LoadedConfig, { dropTables }: DownOptions): string[] {
  return [
    ...spec.captures.map(
      (capture) => `remove the slot and the publications of capture ${capture.name} at its source`,
    ),
    ...spec.materializations.map((materialization) =>
      dropTables
        ? `drop the destination tables of ${materialization.name} that Brimful made`
        : `leave the destination tables of ${materialization.name} as they are (--drop-tables removes them)`,
    ),
    `delete the data directory ${dataDirectory} with all journals and checkpoints`,
  ];
}

async function remove(context: CommandContext, config: LoadedConfig, options: DownOptions): Promise<void> {
  const { spec, dataDirectory } = config;
  if (existsSync(dataDirectory)) {
    // Opening it for writing proves that nothing runs: a running pipe would make the slot anew.
    await using store = await openStore(dataDirectory);
    const status = await store.registry.get<RuntimeStatus>(STATUS_KEY);
    if (options.dropTables) {
      for (const materialization of spec.materializations) {
        await dropTables(materialization, status?.value, store.registry, context);
      }
    }
  }
  for (const capture of spec.captures) {
    const side = await captureSide(capture, context.connectors);
    await side.drop(capture.config, captureContext(capture.name));
  }
  // Last: until everything else is gone, a second `down --drop` can still finish the work.
  rmSync(dataDirectory, { recursive: true, force: true });
}

/** All lives of all tables that Brimful made there, those of earlier configurations too. */
async function dropTables(
  materialization: MaterializationSpec,
  status: RuntimeStatus | undefined,
  registry: Registry,
  context: CommandContext,
): Promise<void> {
  const { tableGenerations } = await import('@brimful/engine');
  const { name } = materialization;
  const side = await destinationSide(materialization, context.connectors);
  const known = status?.materializations.find((candidate) => candidate.name === name);
  const prefix = `tables/${name}/`;
  const tables = new Set([
    ...materialization.bindings.map((binding) => binding.table),
    ...(known?.bindings.map((binding) => binding.table) ?? []),
    ...(await registry.list(prefix)).map(({ key }) => key.slice(prefix.length)),
  ]);
  await using destination = await side.open(materialization.config, connectorContext());
  for (const table of tables) {
    const { latest } = await tableGenerations(registry, name, table).read();
    for (let generation = latest; generation >= 1; generation -= 1) {
      await destination.drop({ materialization: name, table, generation });
    }
  }
}
