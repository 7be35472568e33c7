import type { Problem } from '@brimful/model';
import colors from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import type { Redact } from './redact.ts';
import { redactor } from './redact.ts';
import { problemText } from './terminal/problem-text.ts';
import type { Terminal } from './terminal/screen.ts';

/** Where a command's words go. Results to stdout, everything about the run to stderr. */
export interface Output {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Whether stdout is a terminal somebody looks at. */
  readonly interactive: boolean;
  readonly json: boolean;
  readonly colors: Colors;
  /** Knows the configuration's secrets as soon as one is loaded. */
  redact: Redact;
}

export function processOutput(json: boolean): Output {
  // On a pipe `isTTY` is undefined, which picocolors would take for "decide yourself".
  const interactive = Boolean(process.stdout.isTTY) && !json;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    interactive,
    json,
    colors: colors.createColors(interactive && colors.isColorSupported),
    redact: redactor(),
  };
}

export function print(output: Output, text: string): void {
  output.stdout.write(`${output.redact(text)}\n`);
}

/** One line of JSON. Bigints as decimal text. */
export function printJson(output: Output, value: unknown): void {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  );
  output.stdout.write(`${output.redact(text)}\n`);
}

export function printProblems(output: Output, problems: readonly Problem[]): void {
  if (output.json) {
    const errors = problems.map((problem) => problem.toJSON());
    output.stderr.write(`${output.redact(JSON.stringify({ errors }))}\n`);
    return;
  }
  for (const problem of problems) {
    output.stderr.write(`${problemText(problem.toJSON(), output.colors, output.redact)}\n`);
    if (problem.kind === 'bug') output.stderr.write(`${output.redact(trace(problem))}\n`);
  }
}

/** A defect is reported with where it happened, causes included. */
function trace(problem: Problem): string {
  const { cause } = problem;
  const stack = cause instanceof Error ? cause.stack : problem.stack;
  return `  This is a defect in Brimful. Please report it with these lines:\n  ${(stack ?? problem.message).replaceAll('\n', '\n  ')}`;
}
