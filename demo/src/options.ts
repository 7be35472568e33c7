import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Number of orders; everything else is in proportion. */
  readonly orders: number;
  /** Transactions a second that the live writer aims at. */
  readonly rate: number;
  /** Stop the writer once all is backfilled, drain, compare, exit. */
  readonly exit: boolean;
  /** Also plays the backfill run. */
  readonly runs: boolean;
  readonly help: boolean;
}

const DEFAULT_ORDERS = 1_000_000;
const DEFAULT_RATE = 300;

export const USAGE = `Usage: npm run demo -- [options]

A shop database under a live writer, kept equal in a DuckDB file and in a second Postgres database. When all is
backfilled, a column's type changes, and the table is read again, swapped in, undone and redone.

  --exit       when everything is backfilled: stop the writer, drain, compare source and both destinations
               row by row, and exit with 0 only if they are equal
  --no-runs    leave out the scene in which a column's type changes and the table is reset under a reader
  --rows <n>   number of orders (default ${DEFAULT_ORDERS.toLocaleString('en-US')}); the other tables are in proportion
  --rate <n>   transactions a second of the live writer (default ${DEFAULT_RATE})
`;

/** Throws an Error with words for people when the command line is wrong. */
export function parseOptions(words: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      exit: { type: 'boolean', default: false },
      'no-runs': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      rows: { type: 'string' },
      rate: { type: 'string' },
    },
  });
  return {
    orders: wholeNumber(values.rows, '--rows', 1000) ?? DEFAULT_ORDERS,
    rate: wholeNumber(values.rate, '--rate', 0) ?? DEFAULT_RATE,
    exit: values.exit,
    runs: !values['no-runs'],
    help: values.help,
  };
}

function wholeNumber(text: string | undefined, option: string, least: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text.replaceAll(/[_,]/g, ''));
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${option} must be a whole number of at least ${least}, not ${JSON.stringify(text)}.`);
}
