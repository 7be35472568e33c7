import colors from 'picocolors';
import type { CommandContext } from '../command-context.ts';
import type { ConnectorRegistry } from '../connectors.ts';
import { redactor } from '../redact.ts';

export interface TestContext extends CommandContext {
  out(): string;
  error(): string;
}

/** A command's surroundings whose output can be read. No terminal, no colours. */
export function testContext(
  workingDirectory: string,
  connectors: ConnectorRegistry,
  options: {
    readonly json?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
    readonly columns?: number;
  } = {},
): TestContext {
  const written = { out: '', error: '' };
  return {
    connectors,
    workingDirectory,
    environment: options.environment ?? {},
    configFile: 'brimful.yaml',
    output: {
      stdout: {
        write: (text) => {
          written.out += text;
        },
        columns: options.columns ?? 80,
      },
      stderr: {
        write: (text) => {
          written.error += text;
        },
      },
      interactive: false,
      json: options.json ?? false,
      colors: colors.createColors(false),
      redact: redactor(),
    },
    out: () => written.out,
    error: () => written.error,
  };
}
