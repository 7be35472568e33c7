import type { ProblemRecord } from '@brimful/model';
import { Problem, toProblem } from '@brimful/model';
import type { Colors } from 'picocolors/types.js';
import type { Redact } from '../redact.ts';
import { harmless } from './width.ts';

/** Everything that was thrown at once, as problems in the order they were found. */
export function problemsOf(thrown: unknown): Problem[] {
  if (thrown instanceof AggregateError && !(thrown instanceof Problem))
    return thrown.errors.flatMap(problemsOf);
  return [toProblem(thrown)];
}

/**
 * What happened, where, what to do, code:
 *
 *     error: The environment variable SHOP_URL is not set.
 *       at brimful.yaml:4:20
 *       Set it before you start brimful: export SHOP_URL=...
 *       BRM-CONFIG-VARIABLE
 */
export function problemText(problem: ProblemRecord, colors: Colors, redact: Redact): string {
  const lines = [`${colors.red(colors.bold('error:'))} ${indented(redact(problem.message))}`];
  const place = placeText(problem.at);
  if (place !== '') lines.push(`  ${colors.dim('at')} ${colors.cyan(redact(harmless(place)))}`);
  if (problem.remedy !== null) lines.push(`  ${indented(redact(problem.remedy))}`);
  lines.push(`  ${colors.dim(problem.code)}`);
  return lines.join('\n');
}

/** `brimful.yaml:4:20`, then whatever else is known: `table public.orders, row key 42`. */
export function placeText(at: ProblemRecord['at']): string {
  const { file, line, column, ...others } = at;
  const position =
    file === undefined ? [] : [[file, line, column].filter((part) => part !== undefined).join(':')];
  const words = Object.entries(others).map(([name, value]) => `${spaced(name)} ${value}`);
  return [...position, ...words].join(', ');
}

/** `rowKey` → `row key`. */
function spaced(name: string): string {
  return name.replaceAll(
    /([a-z])([A-Z])/g,
    (_match, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
}

/** Keeps the line breaks of SQL and the like; everything else that could steer a terminal is shown. */
function indented(text: string): string {
  return text.split('\n').map(harmless).join('\n  ');
}
