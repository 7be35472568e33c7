import type { Workspace } from './workspace.ts';
import type { Violation } from './violation.ts';

/** The numbers of the list under ARCHITECTURE.md's heading "Invariants". */
export function invariantNumbers(architecture: string): number[] {
  const section = /^#+ Invariants\b[^\n]*\n([^]*?)(?=^#+ |$(?![^]))/m.exec(architecture)?.[1] ?? '';
  return [...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
}

/** Every invariant is enforced at a line that says so, and tested by a test that says so. */
export function uncitedInvariants(workspace: Workspace, numbers: readonly number[]): Violation[] {
  return numbers.flatMap((number) => {
    const cites = new RegExp(`(?://|\\*).*\\bInvariant ${number}\\b`);
    const cited = (isTest: boolean): boolean =>
      workspace.files.some((file) => file.isTest === isTest && cites.test(file.text));
    const missing = [
      ...(cited(false) ? [] : ['code that enforces it']),
      ...(cited(true) ? [] : ['a test of it']),
    ];
    return missing.map((what) => ({
      where: `ARCHITECTURE.md, invariant ${number}`,
      what: `${what} is nowhere marked \`// Invariant ${number}\`.`,
      why: 'An invariant nobody enforces is a wish; the mark is how a reader gets from the promise to the line.',
      remedy: `Write \`// Invariant ${number}\` at the line that enforces it and at the test that would fail without it.`,
    }));
  });
}
