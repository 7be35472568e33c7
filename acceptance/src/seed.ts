/**
 * Of everything random in these tests, the same each time: what kills and races add is enough of chance for a gate.
 * `BRIMFUL_SEED=$RANDOM` explores, a number that a test printed repeats it.
 */
export const SEED = Number(process.env['BRIMFUL_SEED'] ?? 4711);
