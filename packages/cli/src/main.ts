import { packageVersion } from './version.ts';
import { ExitCode } from './exit-code.ts';
import { program, UsageStop } from './program.ts';

/** The command `brimful`. Everything but the parsing of arguments is loaded when a command needs it. */
process.exitCode = await run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  const onExit = (code: number): void => {
    exitCode = code;
  };
  const command = program(packageVersion(), onExit, words.includes('--json'));
  try {
    await command.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof UsageStop) return error.exitCode;
    throw error;
  }
  return exitCode;
}
