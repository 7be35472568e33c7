import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser } from '../src/testing/browser.ts';
import { FixtureServer } from '../src/testing/fixture-server.ts';
import { FIRST_CATALOG, SHOP_CATALOG } from '../src/testing/fixture-catalog.ts';
import { SHOP } from '../src/testing/fixture-status.ts';

type Window = Awaited<ReturnType<typeof openBrowser>>;
type Page = Awaited<ReturnType<Window['newPage']>>;

/** Draws every page in light and dark into the folder given: `node packages/web/scripts/screenshots.ts docs/screenshots`; only some: name them after it. */
const folder = process.argv[2] ?? 'docs/screenshots';

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
  'add-source': '/add/source',
  'edit-configuration': '/sources/billing%2Fpostgres/edit?tab=configuration',
  'publish-plan': '/sources/billing%2Fpostgres/edit?tab=configuration',
  'publish-problem': '/sources/shop%2Fpostgres/edit?tab=configuration',
  'add-destination': '/add/destination',
  'edit-destination': '/destinations/billing%2Freporting/edit',
  publications: '/publications',
  publication: '/publications/2',
  'publication-revert': '/publications/2',
};

/** What is done on a page before it is drawn. */
const DEEDS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  'collection-history': (page) => page.getByRole('tab', { name: 'Schema history' }).click(),
  'add-source': async (page) => {
    await page.getByRole('radio', { name: 'PostgreSQL' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('crm/postgres');
    await page.getByRole('button', { name: 'Use ${CRM_POSTGRES_URL}' }).click();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('tables are captured.').waitFor();
  },
  'publish-plan': async (page) => {
    await page.getByRole('button', { name: 'Find tables' }).click();
    await page.getByRole('checkbox', { name: 'Capture public.products' }).check();
    await page.getByLabel('Why').fill('analysts ask for products');
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).waitFor();
  },
  'publish-problem': async (page) => {
    await page.getByRole('button', { name: 'Remove this source' }).click();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: /Go to line/u }).click();
  },
  'add-destination': async (page) => {
    await page.getByRole('radio', { name: 'DuckDB file' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('shop/lake');
    await page.getByRole('textbox', { name: 'Path' }).fill('lake.duckdb');
    await page.getByRole('checkbox', { name: 'Materialize shop/orders' }).check();
  },
  'publication-revert': async (page) => {
    await page.getByRole('button', { name: 'Revert…' }).click();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).waitFor();
  },
};

const server = new FixtureServer({ dist, tables: SHOP, secondsOfRuns: 40 });
const finished = server.begin('incremental', 'customers were missing after an import');
finished.tick(Date.now(), 1000);
server.begin('reset', 'prices were imported wrongly in March');
const { catalog } = server;
const DAY_MILLISECONDS = 86_400_000;
const lighter = SHOP_CATALOG.replace('readers: 4', 'readers: 2');
catalog.apply(catalog.plan(lighter, 'less load on the primary').id, Date.now() - 3 * DAY_MILLISECONDS);
const restored = lighter
  .replace('readers: 2', 'readers: 4')
  .replace('# large\n', '# large\n      - { resource: public.payouts }\n');
catalog.apply(catalog.plan(restored, 'finance needs payouts').id, Date.now() - DAY_MILLISECONDS);
catalog.overwrite(SHOP_CATALOG);
const empty = new FixtureServer({ dist, tables: SHOP, secondsOfRuns: 40, catalog: FIRST_CATALOG });
const browser = await openBrowser();
mkdirSync(folder, { recursive: true });
const [origin, emptyOrigin] = [await server.start(), await empty.start()];
/** Names of pages to draw; none: all. */
const wanted = new Set(process.argv.slice(3));
for (const scheme of ['light', 'dark'] as const) {
  for (const [name, path] of Object.entries(PAGES)) await draw(browser, scheme, name, origin + path);
  await draw(browser, scheme, 'first-start', emptyOrigin);
}
await browser.close();
await server.stop();
await empty.stop();

async function draw(window: Window, scheme: 'light' | 'dark', name: string, address: string): Promise<void> {
  if (wanted.size > 0 && !wanted.has(name)) return;
  const context = await window.newContext({
    colorScheme: scheme,
    viewport: { width: WIDTH, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(name, error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(name, message.text());
  });
  await page.goto(address);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await DEEDS[name]?.(page);
  await page.waitForTimeout(name === 'run' ? 4000 : 900);
  if (name.startsWith('add') || name.startsWith('edit')) await page.evaluate(() => scrollTo(0, 0));
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: WIDTH, height: name === 'graph' ? 900 : Math.min(height, HIGHEST) });
  await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
  await context.close();
}
