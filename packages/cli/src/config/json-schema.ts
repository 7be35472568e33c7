import { assert } from '@brimful/model';
import { z } from 'zod';
import type { ConnectorRegistry } from '../connectors.ts';
import { configSchema } from './schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The JSON Schema of `brimful.yaml`, each connector's config included. */
export async function jsonSchema(connectors: ConnectorRegistry): Promise<JsonSchema> {
  const root = toJsonSchema(configSchema);
  const known = await Promise.all(connectors.names.map((name) => connectors.load(name)));
  addConnectors(
    root,
    'captures',
    known.flatMap(({ name, title, capture }) =>
      capture === undefined ? [] : [{ name, title, config: capture.config }],
    ),
  );
  addConnectors(
    root,
    'materializations',
    known.flatMap(({ name, title, destination }) =>
      destination === undefined ? [] : [{ name, title, config: destination.config }],
    ),
  );
  return root;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
}

interface Side {
  readonly name: string;
  readonly title: string;
  readonly config: z.ZodType;
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
    const { $schema: _, ...config } = toJsonSchema(side.config);
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word; nobody awaits it
    return { if: { properties: { connector: { const: side.name } } }, then: { properties: { config } } };
  });
}

function entryOf(root: JsonSchema, section: string): JsonSchema {
  const record = root.properties?.[section];
  const entry = typeof record === 'object' ? record.additionalProperties : undefined;
  assert(typeof entry === 'object', `the section ${section} is a record`);
  return entry;
}
