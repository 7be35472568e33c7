import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { barriersOn } from './testing/accessibility.ts';
import { findChromium, openBrowser } from './testing/browser.ts';
import { FixtureServer } from './testing/fixture-server.ts';
import type { FixtureTable } from './testing/fixture-status.ts';
import { manyTables, SHOP } from './testing/fixture-status.ts';
import { openedPage } from './testing/opened-page.ts';

const DIST = join(import.meta.dirname, '../dist');
const hasBrowser = findChromium() !== undefined;

let browser: Browser;

beforeAll(async () => {
  if (hasBrowser) browser = await openBrowser();
});

afterAll(async () => browser?.close());

interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly server: FixtureServer;
  readonly origin: string;
  /** What the browser complained about. */
  readonly complaints: string[];
}

async function opened(tables: readonly FixtureTable[] = SHOP, secondsOfRuns = 3): Promise<Opened> {
  const server = new FixtureServer({ dist: DIST, tables, secondsOfRuns });
  const origin = await server.start();
  const { page, context, complaints } = await openedPage(browser);
  onTestFinished(async () => {
    await context.close();
    await server.stop();
  });
  return { page, context, server, origin, complaints };
}

/** Skipped only where there is no browser to see anything with. */
describe.skipIf(!hasBrowser)('the pages in a browser', () => {
  test('a reset from the browser: sources, Edit, Backfill, Save and publish, watch it', async () => {
    const { page, origin, complaints } = await opened();
    await page.goto(`${origin}/sources`);
    await page.getByRole('link', { name: 'Edit shop/postgres' }).click();
    expect(await page.getByLabel('Backfill mode').first().inputValue()).toBe('Dataflow reset');
    await page.getByRole('checkbox', { name: 'Backfill shop/orders' }).check();
    await page.getByRole('checkbox', { name: 'Backfill shop/customers' }).check();
    await page.getByRole('button', { name: 'Preview plan' }).click();
    const publish = page.getByRole('button', { name: 'Save and publish' });
    expect(await publish.isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: /Every row of public.orders is read/u }).check();
    await publish.click();
    await page.waitForURL(/\/runs\/run-/u);
    await page.getByRole('heading', { name: 'Dataflow reset of shop/postgres' }).waitFor();
    await page.getByRole('progressbar', { name: 'Progress of shop/orders' }).waitFor();
    // A reload in the middle shows the same run, where it is.
    await page.reload();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    expect(await page.title()).toContain('swapped');
    expect(await page.getByText('every row compared').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('a run is paused, throttled, gone on with and undone', async () => {
    const { page, origin, server } = await opened(SHOP, 12);
    const run = server.begin('reset', 'to be stopped');
    await page.goto(`${origin}/runs/${run.run.id}`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    const slider = page.getByRole('slider', { name: 'Throttle' });
    await slider.focus();
    await slider.press('ArrowLeft');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await expect.poll(() => run.run.throttle.bytesPerSecond).toBe(200e6);
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => run.run.state).toBe('running');
    run.tick(Date.now(), 1000);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByLabel('Why').fill('it was the other table');
    await page.getByRole('button', { name: 'Undo the run' }).click();
    await page.getByRole('button', { name: 'Redo' }).waitFor();
    expect(run.run.events.at(-1)?.what).toBe('undo: it was the other table');
  });

  test('a server that goes away is said, and what was shown stays; it comes back by itself', async () => {
    const { page, origin, server } = await opened();
    await page.goto(`${origin}/sources`);
    await page.getByRole('link', { name: 'shop/postgres', exact: true }).waitFor();
    await server.stop();
    await page.getByText(/Connection lost/u).waitFor();
    expect(await page.getByRole('link', { name: 'shop/postgres', exact: true }).isVisible()).toBe(true);
    await server.start(Number(new URL(origin).port));
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 15_000 });
  });

  test('an alert is seen from every page, acknowledged, and the webhook tried', async () => {
    const { page, origin, complaints } = await opened();
    await page.goto(`${origin}/sources`);
    await page.getByRole('link', { name: /Alerts.*2 open, some critical/u }).click();
    const open = page.getByRole('list', { name: 'Open alerts' });
    expect(await open.getByRole('listitem').first().textContent()).toContain('permission denied');
    await page.getByRole('button', { name: /Acknowledge: public.legacy_notes/u }).click();
    await page.getByText(/seen by anna/u).waitFor();
    await page.getByRole('link', { name: /Alerts.*1 open/u }).waitFor();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test was taken in 38 ms.').waitFor();
    await page.getByText('Critical', { exact: true }).click();
    await expect.poll(() => open.getByRole('listitem').count()).toBe(1);
    await open.getByRole('link', { name: /public.legacy_notes/u }).click();
    await page.getByRole('heading', { name: 'billing/postgres' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('settings say what is in force, who comes in, and where each is changed', async () => {
    const { page, origin, complaints } = await opened();
    await page.goto(origin);
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('0.0.0.0:4646').waitFor();
    await page.getByText('Other machines can reach it.').waitFor();
    const tokens = page.getByRole('group', { name: 'API tokens' });
    expect(await tokens.getByRole('row').last().textContent()).toContain('not used');
    await page.getByText('How to make another').click();
    await page.getByText('openssl rand').waitFor();
    expect(await page.getByText('limits.retention').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('log lines come as they are said, and are found by task, level and word', async () => {
    const { page, origin, server, complaints } = await opened();
    await page.goto(`${origin}/sources/billing%2Fpostgres`);
    const own = page.getByRole('log', { name: 'Log lines of billing/postgres' });
    await own.getByText('permission denied').waitFor();
    expect(await own.textContent()).not.toContain('brimful_shop');
    await page.getByRole('link', { name: 'All lines about it' }).click();
    const lines = page.getByRole('log', { name: 'Log lines' });
    await lines.getByText('permission denied').waitFor();
    server.say('error', 'the slot is gone', { capture: 'billing/postgres', slot: 'lost_one' });
    server.say('info', 'something else', { capture: 'shop/postgres' });
    await lines.getByText('the slot is gone').waitFor();
    expect(await lines.textContent()).not.toContain('something else');
    await page.getByText('Errors', { exact: true }).click();
    await page.getByLabel('Find in lines').fill('LOST_one');
    await page.getByRole('button', { name: 'Copy 1 line' }).waitFor();
    await page.getByLabel('Find in lines').fill('nothing has this');
    await page.getByText('None of the lines fits the filter.').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a thousand tables: few are drawn, all are found', async () => {
    const { page, origin, complaints } = await opened(manyTables(1000));
    await page.goto(`${origin}/sources/shop%2Fpostgres`);
    await page.getByRole('link', { name: 'public.table_0000' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBeLessThan(80);
    await page.getByLabel('Find a table').fill('table_0999');
    await page.getByRole('link', { name: 'public.table_0999' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('a thousand tables: the graph, a plan of all and its run are pages like any other', async () => {
    const { page, origin, server, complaints } = await opened(manyTables(1000), 60);
    const { run } = server.begin('reset', 'all of it');
    await page.goto(`${origin}/graph?run=${run.id}`);
    await page.getByText('1,000 collections: rebuilt beside, then exchanged.').waitFor();
    await page.goto(`${origin}/plans/${run.plan.id}`);
    const impact = page.getByRole('list', { name: 'Impact of this backfill' });
    expect(await impact.getByRole('listitem').first().textContent()).toBe(
      'shop/postgres is read: 1,000 tables.',
    );
    await page.getByText('and 992 more like these').waitFor();
    await page.goto(`${origin}/runs/${run.id}`);
    await page.getByRole('progressbar', { name: 'Progress of shop/table_0000' }).waitFor();
    expect(await page.getByRole('progressbar').count()).toBeLessThan(80);
    expect(complaints).toEqual([]);
  });

  test('what a plan leaves alone is grey, and said', async () => {
    const { page, origin, complaints } = await opened();
    await page.goto(`${origin}/sources/shop%2Fpostgres/edit`);
    await page.getByRole('checkbox', { name: 'Backfill shop/orders' }).check();
    await page.getByRole('button', { name: 'Preview plan' }).click();
    const impact = page.getByRole('list', { name: 'Impact of this backfill' });
    await impact.waitFor();
    expect(await impact.getByRole('listitem').allTextContents()).toEqual([
      'shop/postgres is read: 1 table.',
      'shop/orders: rebuilt, generation 1 → 2.',
      'shop/warehouse: table orders rebuilt, then swapped in.',
      '11 other collections of this source stay as they are.',
    ]);
    const graph = page.getByRole('group', { name: 'Impact of this backfill, as a graph' });
    expect(await graph.locator('[data-touched]').count()).toBe(3);
    expect(await graph.locator('[data-muted]').count()).toBe(5);
    expect(complaints).toEqual([]);
  });
});

/** In the dark only colours can be different: some pages have all of them. */
const DARK_ADDRESSES = [
  '/',
  '/sources/billing%2Fpostgres',
  '/collections/shop%2Forders',
  '/plans/plan-5f0c1de2a001',
  '/runs/run-000001',
  '/alerts',
  '/settings',
  '/logs',
];

const ADDRESSES = [
  '/',
  '/graph',
  '/graph?run=run-000001',
  '/sources',
  '/sources/billing%2Fpostgres',
  '/sources/shop%2Fpostgres/edit',
  '/collections',
  '/collections/shop%2Forders',
  '/destinations',
  '/destinations/shop%2Fwarehouse',
  '/backfill',
  '/backfill?task=shop%2Fpostgres&mode=incremental',
  '/plans/plan-5f0c1de2a001',
  '/runs',
  '/logs',
  '/alerts',
  '/settings',
  '/runs/run-000001',
];

describe.skipIf(!hasBrowser)('accessibility', () => {
  test.for(['light', 'dark'] as const)(
    'every page can be used by everybody, %s',
    { timeout: 180_000 },
    async (scheme) => {
      const { page, origin, server, complaints } = await opened(SHOP, 60);
      server.begin('reset', 'prices were imported wrongly in March');
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const found: string[] = [];
      for (const address of scheme === 'dark' ? DARK_ADDRESSES : ADDRESSES) {
        await page.goto(origin + address);
        await page.getByRole('heading', { level: 1 }).waitFor();
        const violations = await barriersOn(page);
        found.push(...violations.map((violation) => `${address} ${violation}`));
      }
      expect(found).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );
});
