import type { CommandContext } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';

export async function preview(
  _context: CommandContext,
  _collection: string,
  _options: { readonly limit: number },
): Promise<ExitCodeNumber> {
  return ExitCode.problem;
}
