import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import type { ExitCodeNumber } from './exit-code.ts';

interface GlobalOptions {
  readonly config: string;
  readonly json: boolean;
}

type Work = (context: CommandContext) => Promise<ExitCodeNumber>;
export type Perform = (work: Work) => Promise<void>;

/** Runs a command with what it needs, and turns whatever it throws into words and an exit code. */
export function performer(root: Command, onExit: (code: ExitCodeNumber) => void): Perform {
  return async (work) => {
    const { config, json } = root.opts<GlobalOptions>();
    const [{ processOutput, printProblems }, { builtInConnectors }, { problemsOf }, { exitCodeOf }] =
      await Promise.all([
        import('./output.ts'),
        import('./connectors.ts'),
        import('./terminal/problem-text.ts'),
        import('./exit-code.ts'),
      ]);
    const output = processOutput(json);
    try {
      onExit(
        await work({
          output,
          connectors: builtInConnectors,
          environment: process.env,
          workingDirectory: process.cwd(),
          configFile: config,
        }),
      );
    } catch (error) {
      const problems = problemsOf(error);
      printProblems(output, problems);
      onExit(exitCodeOf(problems));
    }
  };
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
