const DIGITS = 6;

/** `12` and `run-12` are `run-000012`. Anything else is left for the engine to refuse. */
export function runId(written: string): string {
  const [, number] = /^(?:run-)?(\d+)$/.exec(written) ?? [];
  return number === undefined ? written : `run-${number.replace(/^0+(?=\d)/, '').padStart(DIGITS, '0')}`;
}
