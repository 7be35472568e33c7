import type { Colors } from 'picocolors/types.js';
import { harmless, padRight, textWidth, wrap } from './width.ts';

/** What a page may use. */
export interface PageOptions {
  readonly columns: number;
  readonly colors: Colors;
  /** IANA zone that times are shown in. Default: this machine's. */
  readonly timeZone?: string | undefined;
}

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST_PAGE = 100;
const NARROWEST_PAGE = 40;

export function pageWidth({ columns }: PageOptions): number {
  return Math.max(NARROWEST_PAGE, Math.min(columns, WIDEST_PAGE));
}

/**
 * The text after its prefix, wrapped; lines after the first stand below where the text began. The
 * prefix may be coloured. A word that is wider than the page is left whole: it may be part of a command.
 */
export function hanging(prefix: string, text: string, width: number): string[] {
  const indent = textWidth(prefix);
  const room = Math.max(10, width - indent);
  return text
    .split('\n')
    .flatMap((line) => wrap(harmless(line), room))
    .map((line, index) => `${index === 0 ? prefix : ' '.repeat(indent)}${line}`.trimEnd());
}

/** Facts under each other, their texts aligned. */
export function facts(
  pairs: readonly (readonly [label: string, text: string])[],
  options: PageOptions,
): string[] {
  const width = pageWidth(options);
  const label = pairs.reduce((longest, [name]) => Math.max(longest, textWidth(name)), 0);
  return pairs.flatMap(([name, text]) =>
    hanging(`  ${options.colors.dim(padRight(name, label))}  `, text, width),
  );
}

/** `2026-11-22 19:40`, in the page's zone. */
export function formatMoment(milliseconds: number, timeZone?: string): string {
  return moment(milliseconds, timeZone).slice(0, 16);
}

/** `19:40:07`, in the page's zone. */
export function formatClock(milliseconds: number, timeZone?: string): string {
  return moment(milliseconds, timeZone).slice(11);
}

/** Sweden writes dates as ISO does. */
function moment(milliseconds: number, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(milliseconds);
}
