import { expect, test } from 'vitest';
import { Screen } from './screen.ts';

/** Just enough of a terminal: cursor up, carriage return, erase to the end of line and below. */
class TinyTerminal {
  columns = 20;
  rows = 10;
  readonly writes: string[] = [];
  readonly lines: string[] = [''];
  #row = 0;
  #column = 0;

  write(text: string): void {
    this.writes.push(text);
    // oxlint-disable-next-line no-control-regex
    for (const [token] of text.matchAll(/\u{1B}\[\??\d*[a-zA-Z]|\r|\n|[^\u{1B}\r\n]+/gu)) this.#apply(token);
  }

  #apply(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') {
      this.#row += 1;
      this.#column = 0;
      if (this.lines[this.#row] === undefined) this.lines.push('');
    } else if (token.endsWith('A')) this.#row -= Number(token.slice(2, -1));
    else if (token.endsWith('K')) this.lines[this.#row] = this.#line().slice(0, this.#column);
    else if (token.endsWith('J')) {
      this.lines.length = this.#row + 1;
      this.lines[this.#row] = this.#line().slice(0, this.#column);
    } else if (!token.startsWith('\u{1B}')) {
      this.lines[this.#row] =
        this.#line().slice(0, this.#column) + token + this.#line().slice(this.#column + token.length);
      this.#column += token.length;
    }
  }

  #line(): string {
    return this.lines[this.#row] ?? '';
  }
}

test('a frame replaces the one before, also when it is shorter', () => {
  const terminal = new TinyTerminal();
  const screen = new Screen(terminal);
  screen.draw(['one', 'two', 'three']);
  screen.draw(['uno is longer', 'dos']);
  expect(terminal.lines).toEqual(['uno is longer', 'dos', '']);
});

test('messages scroll above the frame and stay', () => {
  const terminal = new TinyTerminal();
  const screen = new Screen(terminal);
  screen.draw(['frame 1', 'more']);
  screen.above('a warning\nof two lines');
  screen.draw(['frame 2']);
  expect(terminal.lines).toEqual(['a warning', 'of two lines', 'frame 2', '']);
});

test('a frame is one write that never clears first, so nothing flickers', () => {
  const terminal = new TinyTerminal();
  const screen = new Screen(terminal);
  screen.draw(['one', 'two']);
  screen.draw(['one', 'two']);
  expect(terminal.writes).toHaveLength(2);
  expect(terminal.writes[1]).not.toContain('\u{1B}[2J');
  expect(terminal.writes[1]?.indexOf('\u{1B}[J')).toBeGreaterThan(
    terminal.writes[1]?.indexOf('two') as number,
  );
});

test('the cursor comes back at the end', () => {
  const terminal = new TinyTerminal();
  const screen = new Screen(terminal);
  screen.draw(['one']);
  screen.end();
  expect(terminal.writes.join('')).toMatch(/\?25l[^]*\?25h$/);
});

test('a frame higher than the terminal is cut, so that cursor movement stays true', () => {
  const terminal = new TinyTerminal();
  const screen = new Screen(terminal);
  screen.draw(Array.from({ length: 30 }, (_, index) => `line ${index}`));
  screen.draw(['short']);
  expect(terminal.lines).toEqual(['short', '']);
});
