import { assert } from '@brimful/model';
import { z } from 'zod';
import type { ConnectorRegistry } from '../connectors.ts';
import { configSchema } from './schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The JSON Schema of `brimful.yaml`, each connector's config included: for editors. */
export async function jsonSchema(connectors: ConnectorRegistry): Promise<JsonSchema> {
  const root = configJsonSchema();
  const { captures, destinations } = await connectorSides(connectors);
  addConnectors(root, 'captures', captures);
  addConnectors(root, 'materializations', destinations);
  return root;
}

/** The same without the connectors. */
export function configJsonSchema(): JsonSchema {
  return toJsonSchema(configSchema);
}

interface Side {
  readonly name: string;
  readonly title: string;
  readonly config: JsonSchema;
}

/** What can be captured from and materialized into, with the schema of each config. */
export async function connectorSides(
  connectors: ConnectorRegistry,
): Promise<{ readonly captures: readonly Side[]; readonly destinations: readonly Side[] }> {
  const known = await Promise.all(connectors.names.map((name) => connectors.load(name)));
  const side = (name: string, title: string, role: { readonly config: z.ZodType } | undefined): Side[] => {
    if (role === undefined) return [];
    const { $schema: _, ...config } = toJsonSchema(role.config);
    return [{ name, title, config }];
  };
  return {
    captures: known.flatMap(({ name, title, capture }) => side(name, title, capture)),
    destinations: known.flatMap(({ name, title, destination }) => side(name, title, destination)),
  };
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
}

/** Names the connectors of a section, and ties each one's config schema to its name. */
function addConnectors(root: JsonSchema, section: string, sides: readonly Side[]): void {
  const entry = entryOf(root, section);
  entry.properties = {
    ...entry.properties,
    connector: {
      description: 'Which connector.',
      enum: sides.flatMap((side) => (side.name === 'null' ? [side.name, null] : [side.name])),
    },
  };
  entry.allOf = sides.map((side) => {
    const itsName = { properties: { connector: { const: side.name } } };
    const itsConfig = { properties: { config: side.config } };
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word; nobody awaits it
    return { if: itsName, then: itsConfig };
  });
}

function entryOf(root: JsonSchema, section: string): JsonSchema {
  const record = root.properties?.[section];
  const entry = typeof record === 'object' ? record.additionalProperties : undefined;
  assert(typeof entry === 'object', `the section ${section} is a record`);
  return entry;
}
