import type { PostgresServer } from '@brimful/testbed';
import { startPostgres } from '@brimful/testbed';
import type { SharedPostgres } from '@brimful/testbed/vitest';
import type { Browser, Page } from '@brimful/web/testing';
import { findChromium, openBrowser } from '@brimful/web/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrowserBed } from './browser-bed.ts';

const MINUTES = 60_000;
/** Generous: reaching it is a failure, never a measurement. */
const PATIENCE = { timeout: 2 * MINUTES };
const ORDERS = 4000;
const MANY_ORDERS = 20_000;
/** So slow that a run of many orders is under way for as long as a test looks at it. */
const CRAWL = '10kB/s';

const hasBrowser = findChromium() !== undefined;

let postgres: PostgresServer;
let shared: SharedPostgres;
let browser: Browser;

beforeAll(async () => {
  if (!hasBrowser) return;
  [postgres, browser] = await Promise.all([startPostgres(), openBrowser()]);
  const { majorVersion, binDirectory } = postgres;
  shared = { majorVersion, url: postgres.url(), binDirectory };
});

afterAll(async () => {
  await browser?.close();
  await postgres?.[Symbol.asyncDispose]();
});

/** Skipped only where there is no browser to see anything with. */
describe.skipIf(!hasBrowser)('a person with a browser, and a real server', () => {
  test(
    'first start, then a reset: sources, Edit, Backfill, Save and publish',
    { timeout: 10 * MINUTES },
    async () => {
      await using bed = await BrowserBed.create(shared, browser, ORDERS);
      const { page } = bed;
      await bed.write();
      await bed.up();
      await page.goto(bed.origin);
      await page.getByText('All is well').waitFor();
      await go(page, 'Sources');
      await page.getByText('Streaming change events (all 8 bindings are backfilled)').waitFor();

      await page.getByRole('link', { name: 'Edit shop/postgres' }).click();
      expect(await page.getByLabel('Backfill mode').first().inputValue()).toBe('Dataflow reset');
      await page.getByRole('button', { name: 'Backfill all' }).click();
      await publish(page);
      await page.getByRole('heading', { name: 'Dataflow reset of shop/postgres' }).waitFor();
      const address = page.url();
      await bed.untilRun('swapped');

      // Watched from all sides.
      await go(page, 'Sources');
      await page.getByRole('link', { name: 'shop/postgres', exact: true }).click();
      await page.getByRole('heading', { name: 'shop/postgres' }).waitFor();
      await page.getByRole('link', { name: 'public.orders', exact: true }).click();
      const generation = page.getByText('1 can be gone back to');
      await generation.waitFor();
      await go(page, 'Destinations');
      await page.getByRole('link', { name: 'shop/replica', exact: true }).click();
      const swapped = page.getByRole('link', { name: 'swapped in, can be undone' });
      await swapped.first().waitFor();
      expect(await swapped.count()).toBe(8);
      await page.getByText('8 / 8').waitFor();

      await page.goto(address);
      await page.getByText('every row compared').waitFor();
      expect(await page.title()).toContain('swapped');
      expect(bed.complaints).toEqual([]);
      expect(await bed.differences()).toEqual([]);
    },
  );

  test(
    'rows that vanished unseen: some days by the wizard, then the whole table',
    { timeout: 10 * MINUTES },
    async () => {
      await using bed = await BrowserBed.create(shared, browser, ORDERS);
      const { page } = bed;
      await bed.up();
      await page.goto(`${bed.origin}/sources`);
      await page.getByText('all 8 bindings are backfilled').waitFor();
      await bed.arrived();
      await bed.down('SIGTERM');
      await page.getByText(/Connection lost/u).waitFor();
      await unseen(bed, [
        `DELETE FROM orders WHERE ${MAY_2023}`,
        "DELETE FROM orders WHERE placed_at >= '2025-09-01'",
      ]);
      const left = async (where: string): Promise<number> =>
        Number((await bed.copied<{ n: string }>(`SELECT count(*) AS n FROM orders WHERE ${where}`))[0]?.n);
      const [inMay, all] = [await left(MAY_2023), await left('true')];
      expect(inMay).toBeGreaterThan(50);
      await bed.up();
      await page.getByText('Live', { exact: true }).waitFor();
      await bed.write();

      await page.goto(`${bed.origin}/runs`);
      await page.getByRole('link', { name: 'Backfill…' }).click();
      await page.getByRole('radio', { name: /use Incremental backfill/u }).check();
      await page.getByRole('button', { name: 'Next' }).click();
      await chooseOrders(page);
      await page.getByRole('combobox', { name: 'Column' }).fill('placed_at');
      await page.getByRole('textbox', { name: 'From' }).fill('2023-05-01');
      await page.getByRole('textbox', { name: 'To', exact: true }).fill('2023-06-01');
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByLabel('Why').fill('an import removed the orders of May');
      await publish(page);
      await page.getByText(/placed_at from 2023-05-01/u).waitFor();
      await bed.untilRun('done');
      expect(await bed.run()).toMatchObject({ report: { deleted: inMay, rows: 0 } });
      await expect.poll(() => left(MAY_2023), PATIENCE).toBe(0);
      expect(await left("placed_at >= '2025-09-01' AND placed_at < '2026-01-01'")).toBeGreaterThan(50);

      await go(page, 'Sources');
      await page.getByRole('link', { name: 'Edit shop/postgres' }).click();
      await page.getByLabel('Backfill mode').first().click();
      await page.getByRole('option', { name: 'Incremental backfill' }).click();
      await page.getByRole('checkbox', { name: 'Backfill shop/orders' }).check();
      await publish(page);
      await bed.untilRun('done');
      expect((await bed.run()).report?.deleted).toBeGreaterThan(50);
      expect(all).toBeGreaterThan(0);
      expect(bed.complaints).toEqual([]);
      expect(await bed.differences()).toEqual([]);
    },
  );

  test(
    'a run is throttled, paused, reloaded, loses its server, comes back, is freed, undone and redone',
    { timeout: 10 * MINUTES },
    async () => {
      await using bed = await BrowserBed.create(shared, browser, MANY_ORDERS);
      const { page } = bed;
      await bed.write();
      await bed.up();
      await page.goto(`${bed.origin}/sources`);
      await page.getByText('all 8 bindings are backfilled').waitFor();
      await page.goto(`${bed.origin}/backfill?mode=reset`);
      await chooseOrders(page);
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByLabel('Why').fill('prices were imported wrongly in March');
      await page.getByLabel('Throttle').fill(CRAWL);
      await publish(page);
      await page.getByRole('progressbar', { name: 'Progress of shop/orders' }).waitFor();
      const address = page.url();
      await expect.poll(async () => (await bed.run()).bindings[0]?.rowsRead, PATIENCE).toBeGreaterThan(0);

      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      expect(await page.title()).toContain('paused');

      // Paused: nobody takes it for running, whoever asks; nor after a crash.
      await bed.down('SIGKILL');
      await page.getByText(/Connection lost/u).waitFor();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Dataflow reset');
      await bed.up();
      await page.getByText('Live', { exact: true }).waitFor();
      expect((await bed.run()).state).toBe('paused');
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();

      // Running: it goes on by itself, and so does the page.
      await bed.down('SIGKILL');
      await page.getByText(/Connection lost/u).waitFor();
      await bed.up();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.goto(`${bed.origin}/sources/shop%2Fpostgres`);
      await page.getByText(`prices were imported wrongly in March`).waitFor();
      await page.getByText('limited to 10.0 kB/s').first().waitFor();
      await page.goto(`${bed.origin}/destinations/shop%2Freplica`);
      await page
        .getByRole('link', { name: /next generation: / })
        .first()
        .waitFor();
      await page.goto(address);

      const slider = page.getByRole('slider', { name: 'Throttle' });
      await slider.focus();
      await slider.press('End');
      await page.getByRole('button', { name: 'Set', exact: true }).click();
      expect((await bed.untilRun('swapped')).throttle.bytesPerSecond).toBe(null);

      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByLabel('Why').fill('it was the other table');
      await page.getByRole('button', { name: 'Undo the run' }).click();
      await page.getByRole('button', { name: 'Redo' }).waitFor();
      await page.getByText('it was the other table').first().waitFor();
      await page.getByRole('button', { name: 'Redo' }).click();
      await page.getByRole('button', { name: 'Redo the run' }).click();
      await page.getByRole('button', { name: 'Undo' }).waitFor();
      expect((await bed.run()).state).toBe('swapped');
      expect(bed.complaints).toEqual([]);
      expect(await bed.differences()).toEqual([]);
    },
  );
});

const MAY_2023 = "placed_at >= '2023-05-01Z' AND placed_at < '2023-06-01Z'";

async function go(page: Page, place: string): Promise<void> {
  await page
    .getByRole('navigation', { name: 'Places' })
    .getByRole('link', { name: place, exact: true })
    .click();
  await page.getByRole('heading', { level: 1, name: place }).waitFor();
}

/** In the wizard's second step. */
async function chooseOrders(page: Page): Promise<void> {
  await page.getByLabel('Source').first().click();
  await page.getByRole('option', { name: 'shop/postgres' }).click();
  await page.getByRole('combobox', { name: 'Collections' }).fill('shop/orders');
  await page.getByRole('option', { name: 'shop/orders', exact: true }).click();
  await page.keyboard.press('Escape');
}

/** From what was chosen to the run's page, with all that wants to be confirmed confirmed. */
async function publish(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Preview plan' }).click();
  const button = page.getByRole('button', { name: 'Save and publish' });
  await button.waitFor();
  const open = page.getByRole('checkbox', { checked: false });
  const guards = page.getByRole('listitem').filter({ has: open });
  for (let left = await guards.count(); left > 0; left -= 1)
    await guards.first().getByRole('checkbox').check();
  await button.click();
  await page.waitForURL(/\/runs\/run-/u);
}

/** Changes that the source's log says nothing about to us: its publications leave them out while no pipe is looking. */
async function unseen(bed: BrowserBed, changes: readonly string[]): Promise<void> {
  const publications = await bed.query<{ name: string; publish: string }>(
    `SELECT quote_ident(pubname) AS name, concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
       CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) AS publish FROM pg_publication`,
  );
  for (const { name } of publications) await bed.query(`ALTER PUBLICATION ${name} SET (publish = '')`);
  for (const change of changes) await bed.query(change);
  for (const { name, publish: what } of publications)
    await bed.query(`ALTER PUBLICATION ${name} SET (publish = '${what}')`);
}
