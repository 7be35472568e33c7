import { Visitor } from 'oxc-parser';

import { lineAt } from './workspace.ts';
import type { SourceFile, Workspace } from './workspace.ts';
import type { Violation } from './violation.ts';

const MAX_FUNCTION_LINES = 70;

/** `path name` of a function that may be longer, and why. Empty is the goal; an entry no longer needed fails. */
const LONGER_ALLOWED: ReadonlyMap<string, string> = new Map([]);

interface LongFunction {
  readonly key: string;
  readonly where: string;
  readonly lines: number;
}

export function longFunctions(workspace: Workspace): Violation[] {
  const long = workspace.files.filter(({ isTest }) => !isTest).flatMap(longFunctionsOf);
  const tooLong = long
    .filter(({ key }) => !LONGER_ALLOWED.has(key))
    .map(({ where, lines }) => ({
      where,
      what: `has ${lines} lines; ${MAX_FUNCTION_LINES} is the most.`,
      why: 'A function is read on one screen, or its cases are not all seen.',
      remedy:
        'Name its parts: pure decisions into functions of their own, and the loop or switch that is left is short.',
    }));
  const unused = [...LONGER_ALLOWED.keys()].filter((key) => !long.some((found) => found.key === key));
  return [
    ...tooLong,
    ...unused.map((key) => ({
      where: 'tidy/functions.ts',
      what: `"${key}" needs no exception any more.`,
      why: 'A stale exception hides the next long function.',
      remedy: 'Remove it from LONGER_ALLOWED.',
    })),
  ];
}

function longFunctionsOf(file: SourceFile): LongFunction[] {
  const found: LongFunction[] = [];
  const measure = (node: { start: number; end: number; id?: { name: string } | null }): void => {
    const first = lineAt(file.text, node.start);
    const lines = lineAt(file.text, node.end) - first + 1;
    if (lines <= MAX_FUNCTION_LINES) return;
    const name = node.id?.name ?? nameBefore(file.text, node.start);
    found.push({ key: `${file.path} ${name}`, where: `${file.path}:${first} (${name})`, lines });
  };
  new Visitor({
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  }).visit(file.program);
  return found;
}

/** The method or variable a nameless function belongs to: the last word before it. */
function nameBefore(text: string, offset: number): string {
  return (
    /(#?\w+)[^\w#]*(?:async\s*)?$/.exec(text.slice(Math.max(0, offset - 200), offset))?.[1] ?? 'anonymous'
  );
}
