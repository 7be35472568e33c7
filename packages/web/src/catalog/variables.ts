/**
 * `${NAME}` and `${NAME:-otherwise}` in the catalog's text. Braces are syntax inside YAML's flow collections
 * (`{ url: ${URL} }`), so variables are hidden behind stand-ins of the same length before the text is parsed, which keeps
 * every offset true, and shown again in what comes out. The server reads the text the same way. `***`, which stands for a
 * secret that is not told, is an alias to YAML, and is hidden likewise.
 */
export interface HiddenVariables {
  readonly text: string;
  /** As written, in the order of their stand-ins. */
  readonly variables: readonly string[];
}

const VARIABLE = /\$?\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?\}|\*{3}/gu;
// Private-use characters: legal in YAML, and nobody's catalog has them.
const OPEN = '\u{E000}';
const FILL = '\u{E001}';
const FIRST_INDEX = 0xe100;
const LAST_INDEX = 0xf8ff;
const STAND_IN = /\u{E000}([\u{E100}-\u{F8FF}])\u{E001}*/gu;

/** `before`: variables that other text has hidden already, when both are to be joined. */
export function hideVariables(text: string, before: readonly string[] = []): HiddenVariables {
  const variables = [...before];
  const hidden = text.replaceAll(VARIABLE, (written) => {
    if (FIRST_INDEX + variables.length > LAST_INDEX) return written;
    variables.push(written);
    return `${OPEN}${String.fromCharCode(FIRST_INDEX + variables.length - 1)}`.padEnd(written.length, FILL);
  });
  return { text: hidden, variables };
}

export function showVariables(text: string, variables: readonly string[]): string {
  return text.replaceAll(
    STAND_IN,
    (standIn, index: string) => variables[index.charCodeAt(0) - FIRST_INDEX] ?? standIn,
  );
}

/** Whether it names what the environment holds, rather than saying it. */
export function isReference(text: string): boolean {
  return /^\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?\}$/u.test(text);
}
