export { findChromium, openBrowser } from './browser.ts';
export type { Browser, Page } from './browser.ts';
