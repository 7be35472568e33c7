import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { barriersOn } from './testing/accessibility.ts';
import { findChromium, openBrowser } from './testing/browser.ts';
import { FIRST_CATALOG, SHOP_CATALOG } from './testing/fixture-catalog.ts';
import { FixtureServer } from './testing/fixture-server.ts';
import type { FixtureTable } from './testing/fixture-status.ts';
import { manyTables, SHOP } from './testing/fixture-status.ts';
import type { OpenedPage } from './testing/opened-page.ts';
import { openedPage } from './testing/opened-page.ts';

const DIST = join(import.meta.dirname, '../dist');
const hasBrowser = findChromium() !== undefined;

let browser: Browser;

beforeAll(async () => {
  if (hasBrowser) browser = await openBrowser();
});

afterAll(async () => browser?.close());

/** Long enough for a machine that many share. */
const WAIT_MILLISECONDS = 40_000;
const TEST_MILLISECONDS = 180_000;

const soon = <Seen>(look: () => Seen | Promise<Seen>) => expect.poll(look, { timeout: WAIT_MILLISECONDS });

interface Opened extends OpenedPage {
  readonly server: FixtureServer;
  readonly origin: string;
}

async function opened(catalog = SHOP_CATALOG, tables: readonly FixtureTable[] = SHOP): Promise<Opened> {
  const server = new FixtureServer({ dist: DIST, tables, secondsOfRuns: 3, catalog });
  const origin = await server.start();
  const shown = await openedPage(browser);
  onTestFinished(async () => {
    await shown.context.close();
    await server.stop();
  });
  return { ...shown, server, origin };
}

/** All of it, also what is not drawn. */
async function writtenIn(page: Page): Promise<string> {
  return page.locator('.cm-content').evaluate((content) => {
    const { cmTile, cmView } = content as unknown as Record<
      'cmTile' | 'cmView',
      { view?: never; root?: never }
    >;
    const found = (cmTile?.view ?? (cmView as { rootView?: { view: never } })?.rootView?.view) as
      | { state: { doc: { toString(): string } } }
      | undefined;
    return found?.state.doc.toString() ?? (content as HTMLElement).innerText;
  });
}

const editorOf = (page: Page) => page.getByRole('textbox', { name: 'The catalog as YAML' });

/** Puts the caret behind a text in the editor. */
async function caretAfter(page: Page, line: string): Promise<void> {
  await page.locator('.cm-line', { hasText: line }).first().click();
  await page.keyboard.press('End');
}

describe.skipIf(!hasBrowser)('changes of the catalog in a browser', { timeout: TEST_MILLISECONDS }, () => {
  test('first start: an empty Brimful leads to a source, by form alone, and on to its page', async () => {
    const { page, origin, server, complaints } = await opened(FIRST_CATALOG);
    await page.goto(origin);
    await page.getByText('npm run demo', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Add a source' }).click();
    await page.getByRole('radio', { name: 'PostgreSQL' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('shop/postgres');
    await page.getByRole('button', { name: 'Use ${SHOP_POSTGRES_URL}' }).click();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('It can be reached, and nothing is missing.').waitFor();
    expect(await page.getByText('pg_reload_conf').isVisible()).toBe(true);
    await page.getByText('14 of 14 tables are captured.').waitFor();
    await page.getByRole('switch', { name: 'All of public, new tables too' }).waitFor();
    await page.getByRole('checkbox', { name: 'Capture audit.events' }).uncheck();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByText('shop/postgres is added.').waitFor();
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Published as number 1').waitFor();
    await page.getByRole('link', { name: 'shop/postgres', exact: true }).click();
    await page.getByRole('heading', { name: 'shop/postgres' }).waitFor();
    const { text } = server.catalog.shown;
    expect(text).toContain(FIRST_CATALOG.split('\n')[0]);
    expect(text).toContain('url: ${SHOP_POSTGRES_URL}');
    expect(text).toContain('exclude: [audit.events]');
    expect(server.catalog.publications[0]?.why).toBe('add shop/postgres');
    expect(complaints).toEqual([]);
  });

  test('form and text follow each other, comments stay, and a broken text holds the form', async () => {
    const { page, origin, complaints } = await opened();
    await page.goto(`${origin}/sources/shop%2Fpostgres/edit`);
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await editorOf(page).waitFor();
    await page.getByText('More settings').click();
    await page.getByRole('textbox', { name: 'Readers' }).fill('6');
    await soon(() => writtenIn(page)).toBe(
      SHOP_CATALOG.replace('readers: 4  # agreed', 'readers: 6  # agreed'),
    );
    await caretAfter(page, 'readers: 6');
    for (let left = 0; left < '  # agreed with operations'.length; left += 1)
      await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('4');
    await soon(() => page.getByRole('textbox', { name: 'Readers' }).inputValue()).toBe('64');
    expect(await page.getByText('At most 32.').isVisible()).toBe(true);
    await page.keyboard.type(': [');
    await page.getByText('This is not YAML at the moment').waitFor();
    expect(await page.getByRole('textbox', { name: 'Readers' }).isDisabled()).toBe(true);
    expect(await page.getByRole('textbox', { name: 'Readers' }).inputValue()).toBe('64');
    for (let left = 0; left < 4; left += 1) await page.keyboard.press('Backspace');
    await soon(() => page.getByRole('textbox', { name: 'Readers' }).inputValue()).toBe('6');
    expect(await writtenIn(page)).toContain('readers: 6  # agreed with operations');
    await page.getByRole('button', { name: 'Discard all edits' }).click();
    await soon(() => writtenIn(page)).toBe(SHOP_CATALOG);
    expect(complaints).toEqual([]);
  });

  test('a problem names its line, and leads to it', async () => {
    const { page, origin, server } = await opened();
    await page.goto(`${origin}/sources/shop%2Fpostgres/edit?tab=configuration`);
    await editorOf(page).waitFor();
    await page.getByRole('button', { name: 'Remove this source' }).click();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    const line = server.catalog.plan(await writtenIn(page), '').problems[0]?.line ?? 0;
    await page
      .getByRole('button', { name: `Go to line ${line}: There is no capture called shop/postgres.` })
      .click();
    await soon(() => page.locator('.cm-activeLine').innerText()).toContain('source: shop/postgres');
    expect(await editorOf(page).evaluate((editor) => editor === document.activeElement)).toBe(true);
    expect(await page.getByRole('button', { name: 'Save and publish' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Put it back' }).click();
    await soon(() => writtenIn(page)).toBe(SHOP_CATALOG);
  });

  test('a table is added to a source by its box, published through a restart, and taken back', async () => {
    const { page, origin, server, complaints } = await opened();
    await page.goto(`${origin}/sources/billing%2Fpostgres/edit?tab=configuration`);
    await page.getByRole('button', { name: 'Find tables' }).click();
    await page.getByRole('checkbox', { name: 'Capture public.products' }).check();
    await page.getByLabel('Why').fill('analysts ask for products');
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByText('public.products is captured.').waitFor();
    expect(await page.getByRole('group', { name: 'Lines of the file that change' }).innerText()).toContain(
      '- { resource: public.products }',
    );
    // The server goes away with the answer, as one that starts again does.
    server.loseAnswers(1);
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Published as number 1').waitFor({ timeout: WAIT_MILLISECONDS });
    await page.getByRole('link', { name: 'See the publication' }).click();
    await page.getByRole('heading', { name: 'Publication 1' }).waitFor();
    expect(await page.title()).toContain('applied');
    await page.getByRole('button', { name: 'Revert…' }).click();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Published as number 2').waitFor();
    expect(server.catalog.shown.text).toBe(SHOP_CATALOG);
    await page.getByRole('link', { name: 'Publications', exact: true }).click();
    await page.getByText('take back publication 1').waitFor();
    expect(await page.getByText('analysts ask for products').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('a destination is added by form, and its collections by their boxes', async () => {
    const { page, origin, server, complaints } = await opened();
    await page.goto(`${origin}/destinations`);
    await page.getByRole('link', { name: 'New destination' }).click();
    await page.getByRole('radio', { name: 'DuckDB file' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('shop/lake');
    await page.getByRole('textbox', { name: 'Path' }).fill('lake.duckdb');
    await page.getByRole('checkbox', { name: 'Materialize shop/orders' }).check();
    await page.getByRole('textbox', { name: 'Table of shop/orders' }).fill('all_orders');
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Published as number 1').waitFor();
    const { text } = server.catalog.shown;
    expect(text.startsWith(SHOP_CATALOG.trimEnd())).toBe(true);
    expect(text).toContain('- { source: shop/orders, table: all_orders }');
    expect(complaints).toEqual([]);
  });

  test('somebody else publishes meanwhile: it is said, and nothing that was typed is lost', async () => {
    const { page, origin, server } = await opened();
    await page.goto(`${origin}/sources/shop%2Fpostgres/edit?tab=configuration`);
    await page.getByText('More settings').click();
    await page.getByRole('textbox', { name: 'Readers' }).fill('6');
    server.catalog.overwrite(`${SHOP_CATALOG}# by hand\n`);
    await page.getByText('The catalog was changed meanwhile').waitFor({ timeout: WAIT_MILLISECONDS });
    expect(await writtenIn(page)).toContain('readers: 6');
    await page.getByRole('button', { name: 'Discard all edits' }).click();
    await soon(() => writtenIn(page)).toContain('# by hand');
  });

  test('a secret in the text is warned of, and masked when it comes back; what is not published is not lost', async () => {
    const { page, origin } = await opened();
    await page.goto(`${origin}/sources/billing%2Fpostgres/edit?tab=configuration`);
    await page.getByRole('textbox', { name: 'Password' }).fill('hunter2');
    await page.getByText('This puts a secret into the file.').waitFor();
    const questions: string[] = [];
    page.on('dialog', (dialog) => {
      questions.push(dialog.message());
      void dialog.dismiss();
    });
    await page.getByRole('link', { name: 'Back to the source' }).click();
    await soon(() => questions.length).toBe(1);
    expect(await page.getByRole('textbox', { name: 'Password' }).inputValue()).toBe('hunter2');
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Published as number 1').waitFor();
    await soon(() => page.getByRole('textbox', { name: 'Password' }).inputValue()).toBe('***');
    expect(await writtenIn(page)).toContain('password: ***');
    expect(await page.getByText('The catalog was changed meanwhile').count()).toBe(0);
    await page.getByRole('link', { name: 'Back to the source' }).click();
    await page.getByRole('heading', { name: 'billing/postgres', exact: true }).waitFor();
    expect(questions).toHaveLength(1);
  });

  test('a thousand tables: few are drawn, boxes and text answer at once', async () => {
    const { page, origin, complaints } = await opened(manyBindings(1000), manyTables(1000));
    await page.goto(`${origin}/sources/shop%2Fpostgres/edit?tab=configuration`);
    await page.getByRole('button', { name: 'Find tables' }).click();
    await page.getByText('1,000 of 1,002 tables are captured.').waitFor();
    expect(await page.locator('tbody tr').count()).toBeLessThan(80);
    await page.getByLabel('Find a table').fill('table_0999');
    await page.getByRole('checkbox', { name: 'Capture public.table_0999' }).uncheck();
    await soon(() => writtenIn(page)).not.toContain('table_0999');
    await page.getByText('999 of 1,002 tables are captured.').waitFor();
    expect(complaints).toEqual([]);
  });
});

function manyBindings(count: number): string {
  const bindings = manyTables(count).map(({ name }) => `      - { resource: public.${name} }  # kept`);
  return `captures:\n  shop/postgres:\n    connector: postgres\n    config: { url: \${URL} }\n    bindings:\n${bindings.join('\n')}\n`;
}

describe.skipIf(!hasBrowser)('accessibility of catalog changes', { timeout: TEST_MILLISECONDS }, () => {
  test.for(['light', 'dark'] as const)('every page can be used by everybody, %s', async (scheme) => {
    const { page, origin, server, complaints } = await opened();
    server.catalog.apply(
      server.catalog.plan(SHOP_CATALOG.replace('readers: 4', 'readers: 2'), 'less load').id,
    );
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    const found: string[] = [];
    const look = async (where: string): Promise<void> => {
      found.push(...(await barriersOn(page)).map((barrier) => `${where} ${barrier}`));
    };
    await page.goto(`${origin}/add/source`);
    await page.getByRole('radio', { name: 'PostgreSQL' }).click();
    await page.getByRole('textbox', { name: 'Host' }).fill('wrong.internal');
    await page.getByText('More settings').click();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('Something is missing.').waitFor();
    await page.getByRole('button', { name: 'Find tables' }).click();
    await page.getByRole('checkbox', { name: 'Capture public.orders', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).waitFor();
    await look('add source');
    await page.goto(`${origin}/destinations/shop%2Fwarehouse/edit`);
    await editorOf(page).click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.type('x: [');
    await page.getByText('This is not YAML at the moment').waitFor();
    await look('edit destination');
    await page.goto(`${origin}/publications`);
    await page.getByRole('link', { name: '1', exact: true }).waitFor();
    await look('publications');
    await page.goto(`${origin}/publications/1`);
    await page.getByRole('button', { name: 'Revert…' }).click();
    await page.getByRole('button', { name: 'Preview changes' }).click();
    await page.getByRole('button', { name: 'Save and publish' }).waitFor();
    await look('publication');
    expect(found).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
