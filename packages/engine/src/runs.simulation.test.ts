import { test } from 'vitest';
import { RunSimulation } from './testing/run-simulation.ts';

/** `BRIMFUL_SEED=42` runs that seed only; `BRIMFUL_RUNS=5000` runs so many from a random one on. */
const ONE_SEED = process.env['BRIMFUL_SEED'];
const RUNS = Number(process.env['BRIMFUL_RUNS'] ?? 40);
const FIRST_SEED = Number(process.env['BRIMFUL_FIRST_SEED'] ?? Math.floor(Math.random() * 1e9));
const LIMIT_MILLISECONDS = 4 * 60 * 60 * 1000;

// Invariants 2 to 5, 7, 9: after any runs, crashes and changes of mind, every destination equals its source.
test(
  'whatever is ordered and whatever happens, readers see whole tables and all comes out exact (BRIMFUL_SEED repeats a seed)',
  async ({ annotate }) => {
    const seeds =
      ONE_SEED === undefined
        ? Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index)
        : [Number(ONE_SEED)];
    const failures: string[] = [];
    const counts = new Map<string, number>();
    for (const seed of seeds) {
      const simulation = new RunSimulation(seed);
      try {
        await simulation.run();
      } catch (thrown) {
        failures.push(`BRIMFUL_SEED=${seed}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        if (failures.length >= 5) break;
      }
      for (const [what, count] of simulation.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    }
    await annotate(`seeds ${seeds[0]} to ${seeds.at(-1)}`);
    if (process.env['BRIMFUL_COUNTS'] !== undefined)
      await annotate(
        [...counts]
          .sort()
          .map(([what, count]) => `${count} ${what}`)
          .join('\n'),
      );
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  },
  LIMIT_MILLISECONDS,
);
