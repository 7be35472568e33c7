import type { z } from 'zod';
import type { ConnectorRegistry } from '../connectors.ts';
import { configJsonSchema, connectorSides } from './json-schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** `docs/reference/configuration.md`: every field of `brimful.yaml`, from the schema that validates it. */
export async function configReference(connectors: ConnectorRegistry): Promise<string> {
  const root = configJsonSchema();
  const { captures, destinations } = await connectorSides(connectors);
  return `# \`brimful.yaml\`

<!-- Generated from the configuration's schema: npx vitest run --project duckdb packages/cli -u -->

\`brimful init\` writes an example to start from. \`\${NAME}\` anywhere in a value is replaced from the environment, or by what \`brimful secret set\` has kept,
\`\${NAME:-otherwise}\` has a default, \`$\${NAME}\` stays as it is. Relative paths are relative to the file. What a change would do: \`brimful plan\`; then \`brimful apply\`.

${section('The file', root, [])}
${captures.map(({ name, title, config }) => section(`Captures: \`config\` of \`${name}\` (${title})`, config, [])).join('\n')}
${destinations.map(({ name, title, config }) => section(`Materializations: \`config\` of \`${name}\` (${title})`, config, [])).join('\n')}`;
}

function section(title: string, schema: JsonSchema, path: readonly string[]): string {
  const rows = fields(schema, path);
  const body =
    rows.length === 0
      ? 'No fields.'
      : ['| field | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
  return `## ${title}\n\n${body}\n`;
}

/** One row for each field, those of nested blocks below their block. */
function fields(schema: JsonSchema, path: readonly string[]): string[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const here = [...path, name];
    const { inner, suffix } = element(property);
    const meaning = [property.description, inner === property ? undefined : inner.description]
      .filter((text) => text !== undefined)
      .join(' ')
      .replaceAll(/[|<]/g, String.raw`\$&`);
    const fallback = required.has(name) ? '**required**' : defaultText(property);
    const own = `| \`${here.join('.')}\` | ${typeText(property)} | ${fallback} | ${meaning} |`;
    return [own, ...fields(inner, suffix === '' ? here : [...here.slice(0, -1), `${name}${suffix}`])];
  });
}

/** The block behind a list, a map or a choice. */
function element(schema: JsonSchema): { readonly inner: JsonSchema; readonly suffix: string } {
  if (typeof schema.items === 'object' && !Array.isArray(schema.items)) {
    return { inner: schema.items, suffix: '[]' };
  }
  if (typeof schema.additionalProperties === 'object') {
    return { inner: schema.additionalProperties, suffix: '.<name>' };
  }
  const block = schema.anyOf?.find((choice) => typeof choice === 'object' && choice.properties !== undefined);
  return { inner: typeof block === 'object' ? block : schema, suffix: '' };
}

function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(' or ');
  if (schema.anyOf !== undefined) {
    const choices = schema.anyOf.map((choice) => (typeof choice === 'object' ? typeText(choice) : ''));
    return [...new Set(choices.filter((choice) => choice !== ''))].join(' or ');
  }
  // `connector: null` without quotes is the connector of that name.
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'list';
    case 'object':
      return schema.properties === undefined ? 'named blocks' : 'block';
    default:
      return '';
  }
}

function defaultText(schema: JsonSchema): string {
  const { default: value } = schema;
  const empty =
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return empty ? '' : `\`${JSON.stringify(value)}\``;
}
