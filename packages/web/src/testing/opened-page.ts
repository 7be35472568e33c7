import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained about: errors in the pages, and what the security policy forbade. */
  readonly complaints: string[];
}

/** A machine that many share is slow now and then; what never comes is found as well. */
const WAIT_MILLISECONDS = 45_000;

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
