export { connector } from './connector.ts';
export type { NullTotals } from './totals.ts';
export { nullTotals } from './totals.ts';
