import { printProblems, problemsOf, processOutput, stopSignals } from 'brimful';
import { parseOptions, USAGE } from './options.ts';
import type { DemoOptions } from './options.ts';
import { runDemo } from './run-demo.ts';
import { openStage } from './stage.ts';

const USAGE_EXIT_CODE = 2;
const AT_ONCE_EXIT_CODE = 130;

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  let options: DemoOptions;
  try {
    options = parseOptions(words);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return USAGE_EXIT_CODE;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const output = processOutput(false);
  using signals = stopSignals(() => process.exit(AT_ONCE_EXIT_CODE));
  using stage = openStage(output);
  try {
    return await runDemo(options, output, stage, signals.stopped);
  } catch (error) {
    stage.screen?.end();
    printProblems(output, problemsOf(error));
    return 1;
  }
}
