import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const ROOT = join(import.meta.dirname, '../..');

/** Builds the pages into `folder`. A process of its own: what is built must not be what tests see of React. */
export function buildPages(folder: string): void {
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  execFileSync(
    process.execPath,
    [vite, 'build', '--logLevel', 'error', '--emptyOutDir', '--outDir', folder],
    {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: 'production' },
    },
  );
}

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained about: errors in the pages, and what the security policy forbade. */
  readonly complaints: string[];
}

const WAIT_MILLISECONDS = 10_000;

export async function openedPage(browser: Browser): Promise<OpenedPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (said) => {
    if (/content security policy/iu.test(said.text())) complaints.push(said.text());
  });
  page.setDefaultTimeout(WAIT_MILLISECONDS);
  return { page, context, complaints };
}
