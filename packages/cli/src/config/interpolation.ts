/**
 * `${NAME}` and `${NAME:-otherwise}` in a configuration file, replaced from the environment; `$${NAME}` stays as it is.
 *
 * Braces are syntax inside YAML's flow collections (`{ url: ${URL} }`), so variables are hidden behind stand-ins of
 * the same length before the text is parsed, which keeps every line and column true, and restored in the values.
 */
export interface Interpolation {
  /** The text to parse. Same length and lines as the original. */
  readonly text: string;
  readonly variables: readonly Variable[];
}

export interface Variable {
  readonly name: string;
  /** As written, e.g. `${NAME}`. */
  readonly source: string;
  readonly otherwise: string | undefined;
  readonly literal: boolean;
  /** Index into the text. */
  readonly offset: number;
}

const VARIABLE = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}/gu;
// Private-use characters: legal in YAML, and nobody's configuration has them.
const OPEN = '\u{E000}';
const FILL = '\u{E001}';
const FIRST_INDEX = 0xe100;
const STAND_IN = /\u{E000}([\u{E100}-\u{F8FF}])\u{E001}*/gu;
const MAXIMUM_VARIABLES = 0xf8ff - FIRST_INDEX;

export function hideVariables(original: string): Interpolation {
  const variables: Variable[] = [];
  const text = original.replaceAll(
    VARIABLE,
    (source: string, escape: string, name: string, otherwise: string | undefined, offset: number) => {
      if (variables.length === MAXIMUM_VARIABLES) return source;
      const index = String.fromCharCode(FIRST_INDEX + variables.length);
      variables.push({ name, source, otherwise, literal: escape !== '', offset });
      return `${OPEN}${index}`.padEnd(source.length, FILL);
    },
  );
  return { text, variables };
}

/** The text with each stand-in replaced by what `valueOf` gives for its variable. */
export function replaceVariables(
  text: string,
  interpolation: Interpolation,
  valueOf: (variable: Variable) => string,
): string {
  return text.replaceAll(STAND_IN, (standIn: string, index: string) => {
    const variable = interpolation.variables[index.charCodeAt(0) - FIRST_INDEX];
    return variable === undefined ? standIn : valueOf(variable);
  });
}

/** The text as its author wrote it, for messages. */
export function showVariables(text: string, interpolation: Interpolation): string {
  return replaceVariables(text, interpolation, (variable) => variable.source);
}

/** Whether a value is one variable and nothing else. */
export function isOneVariable(text: string): boolean {
  return /^\u{E000}[\u{E100}-\u{F8FF}]\u{E001}*$/u.test(text);
}
