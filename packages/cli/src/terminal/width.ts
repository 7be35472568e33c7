import { stripVTControlCharacters } from 'node:util';

const SEGMENTER = new Intl.Segmenter();
// East Asian wide and emoji: two columns. Good enough for table names; the terminal clips what is left.
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u{1100}-\u{115F}\u{2E80}-\u{A4CF}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}])/u;
const ASCII = /^[\u{20}-\u{7E}]*$/u;

/** Columns that a text takes in a terminal. Colours take none. */
export function textWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (ASCII.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of SEGMENTER.segment(bare)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** At most `width` columns; what does not fit ends in …. Expects text without colours. */
export function clip(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let clipped = '';
  let used = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    const wide = WIDE.test(segment) ? 2 : 1;
    if (used + wide > width - 1) break;
    clipped += segment;
    used += wide;
  }
  return width > 0 ? `${clipped}…` : '';
}

/** Exactly `width` columns, filled with spaces on the right. */
export function padRight(text: string, width: number): string {
  const fitting = clip(text, width);
  return fitting + ' '.repeat(Math.max(0, width - textWidth(fitting)));
}

export function padLeft(text: string, width: number): string {
  const fitting = clip(text, width);
  return ' '.repeat(Math.max(0, width - textWidth(fitting))) + fitting;
}

/** Words in lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}

/**
 * Names come from databases: a control character in one must not steer the terminal. Shown as `\x1b` and the like.
 */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u{0}-\u{1F}\u{7F}-\u{9F}\u{2028}-\u{202E}\u{2066}-\u{2069}]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}
