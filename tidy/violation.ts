/** A broken rule, told so that whoever broke it knows what to do without asking. */
export interface Violation {
  readonly where: string;
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

/** Throws one error that tells every violation. */
export function expectNone(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const told = violations.map(
    ({ where, what, why, remedy }) => `${where}: ${what}\n  Why: ${why}\n  Remedy: ${remedy}`,
  );
  throw new Error(`\n${told.join('\n')}`);
}
