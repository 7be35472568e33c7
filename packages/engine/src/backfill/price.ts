/** The user's price file. Amounts are in one currency; what costs nothing is 0. */
export interface PriceList {
  readonly currency: string;
  readonly sourceReadPerGb: number;
  readonly destinationWritePerGb: number;
  readonly destinationWritePerMillionRows: number;
  readonly storagePerGbMonth: number;
}
