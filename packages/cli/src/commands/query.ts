import type { CommandContext } from '../command-context.ts';
import { connectorContext, destinationSide, loadedConfig, named } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print } from '../output.ts';
import { plural } from '../terminal/format.ts';
import { csv, grid } from '../terminal/grid.ts';

/** Runs the user's SQL in a destination. Values stay text, exactly as the destination gives them. */
export async function query(
  context: CommandContext,
  materializationName: string,
  sql: string,
  options: { readonly csv: boolean },
): Promise<ExitCodeNumber> {
  const { spec } = await loadedConfig(context);
  const materialization = named(spec.materializations, materializationName, 'materialization');
  const side = await destinationSide(materialization, context.connectors);
  const { columns, rows } = await side.query(materialization.config, sql, connectorContext());
  if (options.csv) {
    // Data is the user's own: it is not redacted, so that it stays exact.
    context.output.stdout.write(`${csv(columns, rows)}\r\n`);
  } else if (context.output.json) {
    for (const row of rows) {
      const entries = columns.map((column, index) => [column, row[index] ?? null]);
      context.output.stdout.write(`${JSON.stringify(Object.fromEntries(entries))}\n`);
    }
  } else {
    context.output.stdout.write(`${grid(columns, rows)}\n`);
    print(context.output, context.output.colors.dim(`(${plural(rows.length, 'row')})`));
  }
  return ExitCode.ok;
}
