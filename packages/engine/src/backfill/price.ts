import type { RunEstimate } from '@brimful/model';

/** The user's price file. Amounts are in one currency; what costs nothing is 0. GB: 10^9 bytes. */
export interface PriceList {
  readonly currency: string;
  readonly sourceReadPerGb: number;
  readonly destinationWritePerGb: number;
  readonly destinationWritePerMillionRows: number;
  readonly storagePerGbMonth: number;
}

/** What is paid for. `storedMilliseconds`: for how long the peak has to be stored, at most. */
export interface PricedWork {
  readonly sourceBytesRead: number;
  readonly destinationBytesWritten: number;
  readonly destinationRowsWritten: number;
  readonly storedBytes: number;
  readonly storedMilliseconds: number;
}

const GB = 1e9;
const MONTH_MILLISECONDS = 30 * 24 * 3_600_000;

/** The sum and how it comes about, a line for everything that is not free. */
export function priceOf(work: PricedWork, prices: PriceList): NonNullable<RunEstimate['price']> {
  const months = work.storedMilliseconds / MONTH_MILLISECONDS;
  const items = [
    { what: 'source read', amount: work.sourceBytesRead / GB, unit: 'GB', price: prices.sourceReadPerGb },
    {
      what: 'destination writes',
      amount: work.destinationBytesWritten / GB,
      unit: 'GB',
      price: prices.destinationWritePerGb,
    },
    {
      what: 'destination rows',
      amount: work.destinationRowsWritten / 1e6,
      unit: 'million',
      price: prices.destinationWritePerMillionRows,
    },
    {
      what: 'storage',
      amount: (work.storedBytes / GB) * months,
      unit: 'GB months',
      price: prices.storagePerGbMonth,
    },
  ].filter(({ amount, price }) => amount * price > 0);
  return {
    amount: items.reduce((sum, { amount, price }) => sum + amount * price, 0),
    currency: prices.currency,
    lines: items.map(
      ({ what, amount, unit, price }) =>
        `${what}: ${short(amount)} ${unit} × ${price} = ${short(amount * price)} ${prices.currency}`,
    ),
  };
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
