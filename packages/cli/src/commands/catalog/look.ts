import { pageOptions } from '../../backfill/follow-run.ts';
import { atCatalog } from '../../catalog/desk.ts';
import type { CommandContext } from '../../command-context.ts';
import type { ExitCodeNumber } from '../../exit-code.ts';
import { ExitCode } from '../../exit-code.ts';
import { print, printJson } from '../../output.ts';
import { publicationPage, publicationTable } from '../../terminal/catalog-page.ts';

/** Changes of the catalog, the newest first. */
export async function listPublications(context: CommandContext): Promise<ExitCodeNumber> {
  const { output } = context;
  const all = await atCatalog(context, 'look', ({ catalog }) => catalog.list());
  if (output.json) printJson(output, all);
  else print(output, publicationTable(all, pageOptions(output)));
  return ExitCode.ok;
}

/** One change, with what it did. */
export async function showPublication(
  context: CommandContext,
  number: number,
  flags: { readonly diff?: boolean },
): Promise<ExitCodeNumber> {
  const { output } = context;
  const found = await atCatalog(context, 'look', ({ catalog }) => catalog.find(number));
  if (output.json) printJson(output, found);
  else print(output, publicationPage(found, pageOptions(output), flags.diff === true).join('\n'));
  return ExitCode.ok;
}
