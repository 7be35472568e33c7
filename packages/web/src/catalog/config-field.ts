import type { PlainMap, PlainValue } from './plain-value.ts';
import { isPlainList } from './plain-value.ts';
import { isReference } from './variables.ts';

/** `list`: texts. `other`: something that is better written as YAML. */
export type FieldKind = 'text' | 'number' | 'integer' | 'yes or no' | 'choice' | 'list' | 'other';

/** One entry of a connector's config, as a form shows it. */
export interface ConfigField {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kind: FieldKind;
  readonly isRequired: boolean;
  /** Belongs into the environment; only a reference to it belongs into the file. */
  readonly isSecret: boolean;
  /** Rarely touched: shown when asked for. */
  readonly isExtra: boolean;
  readonly choices: readonly string[];
  readonly otherwise: PlainValue | undefined;
  readonly pattern: string | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
}

const SECRET_NAME = /pass|secret|token|credential|api_?key|access_?key|private_?key/iu;
/** Addresses that may have a password inside. */
const ADDRESS_NAME = /^(url|uri|dsn|connection_?string)$/iu;
/** Where something is and who asks: what one always looks at, also where it need not be said. */
const PLACE_NAME =
  /^(url|uri|dsn|host|port|user|username|password|database|path|ssl|bucket|region|account)$/iu;

/** The fields of a JSON Schema's object, in its order. What it says of itself beyond that is left to the server. */
export function fieldsOf(schema: Readonly<Record<string, unknown>>): readonly ConfigField[] {
  const required = new Set(textsOf(schema['required']));
  return Object.entries(mapOf(schema['properties'])).map(([name, described]) =>
    fieldOf(name, mapOf(described), required.has(name)),
  );
}

function fieldOf(
  name: string,
  described: Readonly<Record<string, unknown>>,
  isRequired: boolean,
): ConfigField {
  const choices = textsOf(described['enum']);
  const description = typeof described['description'] === 'string' ? described['description'] : '';
  const isMarked = described['writeOnly'] === true || described['format'] === 'password';
  return {
    name,
    title: typeof described['title'] === 'string' ? described['title'] : titleOf(name),
    description,
    kind: choices.length > 0 ? 'choice' : kindOf(described),
    isRequired,
    isSecret: isMarked || SECRET_NAME.test(name) || ADDRESS_NAME.test(name),
    isExtra: !isRequired && !PLACE_NAME.test(name),
    choices,
    otherwise: described['default'] as PlainValue | undefined,
    pattern: typeof described['pattern'] === 'string' ? described['pattern'] : undefined,
    minimum: numberOf(described['minimum'] ?? described['exclusiveMinimum']),
    maximum: numberOf(described['maximum']),
  };
}

function kindOf(described: Readonly<Record<string, unknown>>): FieldKind {
  const { type } = described;
  if (type === 'string') return 'text';
  if (type === 'number' || type === 'integer') return type;
  if (type === 'boolean') return 'yes or no';
  if (type === 'array' && mapOf(described['items'])['type'] === 'string') return 'list';
  return 'other';
}

/** `connectTimeoutSeconds` → `Connect timeout seconds`; what is an abbreviation stays one. */
function titleOf(name: string): string {
  if (/^(url|uri|ssl|dsn|id)$/iu.test(name)) return name.toUpperCase();
  const words = name.replaceAll(/([a-z\d])([A-Z])/gu, '$1 $2').toLowerCase();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`.replaceAll(/\b(ssl|url|id)\b/gu, (word) =>
    word.toUpperCase(),
  );
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** What stands in a field's box. */
export function shownIn(value: PlainValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (isPlainList(value)) return value.map(shownIn).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const NUMBER = /^-?\d+(\.\d+)?$/u;

/** What somebody typed, as the value to write; undefined: nothing, so that the default holds. */
export function valueOf(field: ConfigField, typed: string): PlainValue | undefined {
  if (typed === '') return undefined;
  switch (field.kind) {
    case 'number':
    case 'integer':
      // Half a number, or `${PORT}`: written as it is, and said to be wrong where it is.
      return NUMBER.test(typed) ? Number(typed) : typed;
    case 'yes or no':
      return typed === 'true' ? true : typed === 'false' ? false : typed;
    case 'list':
      return typed
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    default:
      return typed;
  }
}

/** What is wrong with a value, for beside its box; null: nothing. The server has the last word. */
export function complaintOf(field: ConfigField, value: PlainValue | undefined): string | null {
  if (value === undefined || value === null) return field.isRequired ? 'This has to be said.' : null;
  if (typeof value === 'string' && value.includes('${')) return null;
  if (field.kind === 'number' || field.kind === 'integer') return numberComplaint(field, value);
  if (field.kind === 'choice' && !field.choices.includes(shownIn(value))) {
    return `One of ${field.choices.join(', ')}.`;
  }
  if (field.kind === 'yes or no' && typeof value !== 'boolean') return 'true or false.';
  if (typeof value === 'string' && field.pattern !== undefined && !matches(field.pattern, value)) {
    return 'This is not written as it should be: see what is said about it.';
  }
  return null;
}

function numberComplaint({ kind, minimum, maximum }: ConfigField, value: PlainValue): string | null {
  if (typeof value !== 'number') return 'A number.';
  if (kind === 'integer' && !Number.isInteger(value)) return 'A whole number.';
  if (minimum !== undefined && value < minimum) return `At least ${minimum}.`;
  if (maximum !== undefined && value > maximum) return `At most ${maximum}.`;
  return null;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    // A pattern that only the server's language knows is the server's to check.
    return true;
  }
}

/** A secret that stands in the file itself, where everybody who reads the file reads it. */
export function isBareSecret(field: ConfigField, value: PlainValue | undefined): boolean {
  if (!field.isSecret || typeof value !== 'string' || value === '' || isReference(value)) return false;
  // An address is harmless without a password in it.
  return ADDRESS_NAME.test(field.name) ? /:\/\/[^/@\s]*:(?!\$\{)[^/\s]*@/u.test(value) : true;
}

/** The environment's name for a secret of a task: `SHOP_POSTGRES_PASSWORD`. */
export function variableFor(task: string, field: ConfigField): string {
  const words = `${task}_${field.name.replaceAll(/([a-z\d])([A-Z])/gu, '$1_$2')}`;
  const name = words.replaceAll(/[^A-Za-z\d]+/gu, '_').toUpperCase();
  return /^\d/u.test(name) ? `_${name}` : name;
}

/** What is wrong in a config, field by field. */
export function complaintsOf(fields: readonly ConfigField[], config: PlainMap): readonly string[] {
  return fields.filter((field) => complaintOf(field, config[field.name]) !== null).map(({ title }) => title);
}
