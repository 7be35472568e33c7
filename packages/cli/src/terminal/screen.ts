import { textWidth } from './width.ts';

/** The part of a stream that a screen needs. `process.stdout` is one. */
export interface Terminal {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const ESCAPE = '\u{1B}[';
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
// Terminals that know it show one whole frame at a time; others ignore it.
const BEGIN_FRAME = `${ESCAPE}?2026h`;
const END_FRAME = `${ESCAPE}?2026l`;
const ERASE_LINE_END = `${ESCAPE}K`;
const ERASE_BELOW = `${ESCAPE}J`;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * A block of lines at the bottom of a terminal that is redrawn in place, and a log that scrolls above it.
 *
 * Each frame is one write that overwrites line by line and never clears first, so nothing flickers.
 */
export class Screen {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns ?? DEFAULT_COLUMNS;
  }

  /** Lines a frame may have: one is left for the cursor. */
  get rows(): number {
    return Math.max(1, (this.#terminal.rows ?? DEFAULT_ROWS) - 1);
  }

  draw(lines: readonly string[]): void {
    this.#frame([], lines);
  }

  /** Prints text above the block; it stays in the scroll-back. */
  above(text: string): void {
    this.#frame(text.split('\n'), this.#lines);
  }

  /** Leaves the last frame standing and gives the cursor back. */
  end(): void {
    if (this.#drawn) this.#terminal.write(SHOW_CURSOR);
    this.#drawn = false;
    this.#lines = [];
  }

  #frame(above: readonly string[], lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows);
    const up = this.#height();
    const parts = [BEGIN_FRAME, this.#drawn ? '' : HIDE_CURSOR, up > 0 ? `${ESCAPE}${up}A\r` : ''];
    for (const line of [...above, ...shown]) parts.push(line, ERASE_LINE_END, '\n');
    parts.push(ERASE_BELOW, END_FRAME);
    this.#terminal.write(parts.join(''));
    this.#lines = shown;
    this.#drawn = true;
  }

  /** Terminal lines that the last frame takes now: a terminal made narrower has wrapped it. */
  #height(): number {
    const { columns } = this;
    const height = this.#lines.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)),
      0,
    );
    return Math.min(height, this.rows);
  }
}
