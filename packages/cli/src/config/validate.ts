import { z } from 'zod';
import type { Problem } from '@brimful/model';
import type { ConfigDocument, Path } from './document.ts';
import { problemAt } from './document.ts';
import { suggestion } from './nearest.ts';

export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Validates part of a document against a schema; messages name the file, line and field.
 *
 * A variable that stands alone and unquoted is text first. Where the schema wants a number or a boolean it is read as
 * one, so that `port: ${PORT}` works and an all-digits password stays a password.
 */
export function validate<T>(
  schema: z.ZodType<T>,
  input: unknown,
  document: ConfigDocument,
  at: Path,
): Validated<T> {
  const first = schema.safeParse(input);
  if (first.success) return { ok: true, value: first.data };
  const coerced = coerceVariables(input, first.error.issues, document, at);
  const result = coerced === undefined ? first : schema.safeParse(coerced);
  if (result.success) return { ok: true, value: result.data };
  const describe = describer(schema, document, at);
  return { ok: false, problems: result.error.issues.flatMap((issue) => describe(issue)) };
}

function coerceVariables(
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
  document: ConfigDocument,
  at: Path,
): unknown {
  let changed: unknown;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type' || !document.isWholeVariable([...at, ...issue.path])) continue;
    changed ??= structuredClone(input);
    coerceAt(changed, issue.path, issue.expected);
  }
  return changed;
}

function coerceAt(root: unknown, path: Path, expected: string): void {
  let holder = root as Record<PropertyKey, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as Record<PropertyKey, unknown>;
  const last = path.at(-1);
  if (last === undefined) return;
  const text = String(holder[last]);
  if (expected === 'boolean' && (text === 'true' || text === 'false')) holder[last] = text === 'true';
  if ((expected === 'number' || expected === 'int') && text.trim() !== '' && Number.isFinite(Number(text))) {
    holder[last] = Number(text);
  }
}

type Describe = (issue: z.core.$ZodIssue) => Problem[];

function describer(schema: z.ZodType, document: ConfigDocument, at: Path): Describe {
  const describe = (issue: z.core.$ZodIssue, base: Path): Problem[] => {
    const path = [...base, ...issue.path];
    const field = fieldName([...at, ...path]);
    const full = [...at, ...path];
    const bad = (message: string): Problem[] => [
      problemAt('BRM-CONFIG-VALUE', message, document.placeOf(full)),
    ];
    if (isMissing(issue, path)) {
      const place = document.keyPlaceOf(full.slice(0, -1));
      return [problemAt('BRM-CONFIG-VALUE', `${field} is missing.`, place)];
    }
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) =>
          problemAt(
            'BRM-CONFIG-FIELD',
            `Unknown field ${JSON.stringify(key)} in ${field}.`,
            document.keyPlaceOf([...full, key]),
            suggestion(key, fieldsAt(schema, path), 'field'),
          ),
        );
      case 'invalid_union':
        return describeUnion(issue.errors, path, describe) ?? bad(`${field} ${alternatives(issue.errors)}.`);
      case 'invalid_key':
        return [
          problemAt(
            'BRM-CONFIG-VALUE',
            `The name ${JSON.stringify(String(path.at(-1)))} ${requirement(issue.issues[0])}.`,
            document.keyPlaceOf(full),
          ),
        ];
      default:
        return bad(`${field} ${requirement(issue)}.`);
    }
  };
  return (issue) => describe(issue, []);
}

/** The problems of the alternative that was evidently meant: the one whose outer type fits. */
function describeUnion(
  errors: readonly (readonly z.core.$ZodIssue[])[],
  path: Path,
  describe: (issue: z.core.$ZodIssue, base: Path) => Problem[],
): Problem[] | undefined {
  const meant = errors.find(
    (issues) => !issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type'),
  );
  return meant?.flatMap((issue) => describe(issue, path));
}

function alternatives(errors: readonly (readonly z.core.$ZodIssue[])[]): string {
  const wanted = errors.map((issues) => requirement(issues[0]).replace('must be ', ''));
  return `must be ${wanted.join(', or ')}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a block of fields',
  record: 'a block of named entries',
  array: 'a list',
};

/** What a value must be, as the end of a sentence: "must be text". */
function requirement(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'is not valid';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => String(value)).join(' or ')}`;
    case 'too_small':
      return `must ${measure(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `must ${measure(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`;
    default:
      // Our own messages read as the end of a sentence; the library's start with a capital letter.
      return /^[a-z]/.test(issue.message) ? issue.message : `is not valid: ${issue.message}`;
  }
}

function measure(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be';
}

function unit(origin: string): string {
  if (origin === 'string') return ' character(s)';
  return origin === 'array' ? ' entry(ies)' : '';
}

function isMissing(issue: z.core.$ZodIssue, path: Path): boolean {
  if (path.length === 0) return false;
  if (issue.code === 'invalid_union') {
    return (
      issue.errors.length > 0 &&
      issue.errors.every(([first]) => first !== undefined && isMissing(first, path))
    );
  }
  return (
    (issue.code === 'invalid_type' || issue.code === 'invalid_value') &&
    issue.message.endsWith(' received undefined')
  );
}

function fieldName(path: Path): string {
  if (path.length === 0) return 'the configuration';
  return path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  );
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The fields that a schema knows at a path. */
function fieldsAt(schema: z.ZodType, path: Path): string[] {
  let places: JsonSchema[] = [z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })];
  for (const step of path) places = places.flatMap((place) => stepInto(place, step));
  return places.flatMap((place) =>
    [place, ...branches(place)].flatMap((branch) => Object.keys(branch.properties ?? {})),
  );
}

function stepInto(schema: JsonSchema, step: PropertyKey): JsonSchema[] {
  const found: unknown[] = [];
  for (const branch of [schema, ...branches(schema)]) {
    if (typeof step === 'number') found.push(branch.items);
    else found.push(branch.properties?.[String(step)] ?? branch.additionalProperties);
  }
  return found.filter((value): value is JsonSchema => typeof value === 'object' && value !== null);
}

function branches(schema: JsonSchema): JsonSchema[] {
  const all = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return all.filter((value): value is JsonSchema => typeof value === 'object');
}
