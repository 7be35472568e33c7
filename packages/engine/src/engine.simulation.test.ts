import { test } from 'vitest';
import { Simulation } from './testing/simulation.ts';

/** `BRIMFUL_SEED=42` runs that seed only; `BRIMFUL_RUNS=5000` runs so many from a random one on. */
const ONE_SEED = process.env['BRIMFUL_SEED'];
const RUNS = Number(process.env['BRIMFUL_RUNS'] ?? 200);
const FIRST_SEED = Number(process.env['BRIMFUL_FIRST_SEED'] ?? Math.floor(Math.random() * 1e9));
const LIMIT_MILLISECONDS = 4 * 60 * 60 * 1000;

// Invariants 1 to 5, 9: after any schedule, loss and crash, every destination equals its source.
test(
  'whatever happens, everything arrives exactly (BRIMFUL_SEED repeats a seed)',
  async ({ annotate }) => {
    const seeds =
      ONE_SEED === undefined
        ? Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index)
        : [Number(ONE_SEED)];
    const failures: string[] = [];
    for (const seed of seeds) {
      const simulation = new Simulation(seed);
      try {
        await simulation.run();
      } catch (thrown) {
        failures.push(`BRIMFUL_SEED=${seed}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        if (failures.length >= 5) break;
      }
    }
    await annotate(`seeds ${seeds[0]} to ${seeds.at(-1)}`);
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  },
  LIMIT_MILLISECONDS,
);
