import { defineConfig } from 'vitest/config';

const MINUTE_MS = 60_000;
const PG_GLOBAL_SETUP = './packages/testbed/src/vitest-postgres.setup.ts';
const PAGES_GLOBAL_SETUP = './packages/web/src/testing/build-pages.setup.ts';

/** A test file's suffix names what it needs; everything unsuffixed is pure and shares one module graph. */
const NEEDS = ['pg', 'duckdb', 'store', 'web'] as const;

const roots = ['packages', 'connectors', 'stores', 'demo', 'benchmarks', 'acceptance', 'tidy'];
const matching = (suffix: string): string[] => roots.map((root) => `${root}/**/*${suffix}.test.ts`);

export default defineConfig({
  test: {
    // Two workers are what a small machine bears beside two Postgres servers.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'pure',
          include: matching(''),
          exclude: ['**/node_modules/**', ...NEEDS.map((need) => `**/*.${need}.test.ts`)],
          isolate: false,
          testTimeout: MINUTE_MS / 2,
        },
      },
      {
        test: {
          name: 'store',
          include: matching('.store'),
          testTimeout: MINUTE_MS,
          hookTimeout: MINUTE_MS,
        },
      },
      {
        test: {
          name: 'duckdb',
          include: matching('.duckdb'),
          testTimeout: 2 * MINUTE_MS,
          hookTimeout: MINUTE_MS,
        },
      },
      {
        test: {
          name: 'web',
          include: matching('.web'),
          globalSetup: [PAGES_GLOBAL_SETUP],
          testTimeout: 3 * MINUTE_MS,
          hookTimeout: MINUTE_MS,
        },
      },
      {
        test: {
          name: 'pg',
          include: matching('.pg'),
          globalSetup: [PG_GLOBAL_SETUP],
          testTimeout: 3 * MINUTE_MS,
          hookTimeout: 3 * MINUTE_MS,
        },
      },
    ],
  },
});
