import { existsSync, rmSync } from 'node:fs';
import type { MaterializationSpec, RuntimeStatus } from '@brimful/model';
import { Problem, STATUS_KEY } from '@brimful/model';
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
  if (!options.yes && !(await confirmed(context, steps))) {
    print(output, 'Nothing was changed.');
    return ExitCode.problem;
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

async function confirmed({ output }: CommandContext, steps: readonly string[]): Promise<boolean> {
  if (!output.interactive || !process.stdin.isTTY) {
    throw new Problem('BRM-USAGE-CONFIRM', 'This removes data, and there is no terminal to ask in.', {
      remedy: 'Add --yes if you are sure.',
    });
  }
  const { confirm, isCancel } = await import('@clack/prompts');
  print(output, ['This will', ...steps.map((step) => `  - ${step}`)].join('\n'));
  const answer = await confirm({ message: 'Go ahead?', initialValue: false });
  return !isCancel(answer) && answer;
}

async function remove(context: CommandContext, config: LoadedConfig, options: DownOptions): Promise<void> {
  const { spec, dataDirectory } = config;
  if (existsSync(dataDirectory)) {
    // Opening it for writing proves that nothing runs: a running pipe would make the slot anew.
    await using store = await openStore(dataDirectory);
    const status = await store.registry.get<RuntimeStatus>(STATUS_KEY);
    if (options.dropTables) {
      for (const materialization of spec.materializations) {
        await dropTables(materialization, status?.value, context);
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

/** Collections have one generation so far. */
const GENERATION = 1;

async function dropTables(
  materialization: MaterializationSpec,
  status: RuntimeStatus | undefined,
  context: CommandContext,
): Promise<void> {
  const side = await destinationSide(materialization, context.connectors);
  const known = status?.materializations.find((candidate) => candidate.name === materialization.name);
  const tables = new Set([
    ...materialization.bindings.map((binding) => binding.table),
    ...(known?.bindings.map((binding) => binding.table) ?? []),
  ]);
  await using destination = await side.open(materialization.config, connectorContext());
  for (const table of tables) {
    await destination.drop({ materialization: materialization.name, table, generation: GENERATION });
  }
}
