import { Problem } from '@brimful/model';

/**
 * A field that cannot be decoded, thrown by the loops that know neither table nor key. Whoever called them turns it
 * into a `Problem` with the place.
 */
export class UnfitValue extends Error {
  override readonly name = 'UnfitValue';
  /** Row within what was being decoded, where known. */
  readonly row: number;

  constructor(message: string, row = 0) {
    super(message);
    this.row = row;
  }
}

/** Where a value sits: everything that is known goes into the problem's `at`. */
export interface ValuePlace {
  readonly table?: string;
  readonly column: string;
  readonly sourceType: string;
  /** The row's key as text, `id=7`. */
  readonly key?: string;
}

/** `BRM-PG-VALUE`: the value has no exact form in a batch, so its table must stop. (Invariant 6) */
export function valueProblem(unfit: UnfitValue, place: ValuePlace): Problem {
  const where = place.key === undefined ? '' : ` of the row with ${place.key}`;
  return new Problem(
    'BRM-PG-VALUE',
    `column ${place.column} (${place.sourceType})${where} holds a value that cannot be kept exactly: ${unfit.message}`,
    {
      kind: 'operator',
      remedy: `Change the value at the source, or leave the table out. The value cannot be altered silently.`,
      at: {
        ...(place.table === undefined ? {} : { table: place.table }),
        column: place.column,
        ...(place.key === undefined ? {} : { key: place.key }),
      },
      cause: unfit,
    },
  );
}

/** `BRM-PG-PROTOCOL`: the bytes are not what the protocol says. Ours, or a proxy that changes them. */
export function protocolProblem(message: string): Problem {
  return new Problem('BRM-PG-PROTOCOL', message, {
    kind: 'bug',
    remedy:
      'Check that nothing between Brimful and the server changes the bytes (a proxy, a pooler), and report this.',
  });
}
