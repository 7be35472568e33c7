import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser } from '../src/testing/browser.ts';
import { FixtureServer } from '../src/testing/fixture-server.ts';
import { SHOP } from '../src/testing/fixture-status.ts';

/** Draws every page in light and dark into the folder given: `node packages/web/scripts/screenshots.ts docs/screenshots`; only some: name them after it. */
const folder = process.argv[2] ?? 'docs/screenshots';
const only = process.argv.slice(3);
const dist = join(import.meta.dirname, '../dist');

const WIDTH = 1240;
/** Longer ones are cut: nobody scrolls through a picture. */
const HIGHEST = 1350;

const PAGES: Readonly<Record<string, string>> = {
  overview: '/',
  graph: '/graph',
  sources: '/sources',
  capture: '/sources/shop%2Fpostgres',
  'capture-backfilling': '/sources/billing%2Fpostgres',
  edit: '/sources/shop%2Fpostgres/edit',
  collections: '/collections',
  collection: '/collections/shop%2Forders',
  'collection-history': '/collections/shop%2Forders',
  destinations: '/destinations',
  destination: '/destinations/shop%2Fwarehouse',
  wizard: '/backfill',
  'wizard-scope': '/backfill?task=shop%2Fpostgres&mode=incremental',
  plan: '/plans/plan-5f0c1de2a002',
  run: '/runs/run-000002',
  'run-finished': '/runs/run-000001',
  runs: '/runs',
  alerts: '/alerts',
  settings: '/settings',
  logs: '/logs',
};

const server = new FixtureServer({ dist, tables: SHOP, secondsOfRuns: 40 });
const finished = server.begin('incremental', 'customers were missing after an import');
finished.tick(Date.now(), 1000);
server.begin('reset', 'prices were imported wrongly in March');
const origin = await server.start();
const browser = await openBrowser();
mkdirSync(folder, { recursive: true });
for (const scheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width: WIDTH, height: 900 },
    reducedMotion: 'reduce',
  });
  for (const [name, path] of Object.entries(PAGES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(name, error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(name, message.text());
    });
    await page.goto(origin + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    if (name === 'collection-history') await page.getByRole('tab', { name: 'Schema history' }).click();
    await page.waitForTimeout(name === 'run' ? 4000 : 900);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: WIDTH, height: name === 'graph' ? 900 : Math.min(height, HIGHEST) });
    await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
    await page.close();
  }
}
await browser.close();
await server.stop();
