import { z } from 'zod';
import { name } from './limits.ts';

/** A JSON Schema: shown as a form, and interpreted by nobody else. */
const jsonSchema = z.record(z.string(), z.unknown());

const connector = z
  .object({
    name: z.string(),
    title: z.string(),
    kind: z.enum(['capture', 'materialization', 'both']),
    verified: z.string().meta({ description: 'On what it was last proven.' }),
    captureSchema: jsonSchema
      .nullable()
      .meta({ description: 'JSON Schema (draft 7) of a capture’s config.' }),
    materializationSchema: jsonSchema
      .nullable()
      .meta({ description: 'JSON Schema (draft 7) of a materialization’s config.' }),
  })
  .meta({ id: 'Connector' });

export const connectors = z.object({ connectors: z.array(connector) });

export type ConnectorDescription = z.output<typeof connector>;

/** `${NAME}` in its texts is filled in on the server, and never comes back. (Invariant 10) */
const config = z.record(z.string(), z.unknown());

export const connectionRequest = z
  .strictObject({
    connector: name,
    kind: z.enum(['capture', 'materialization']),
    config,
    name: name
      .optional()
      .meta({ description: 'Of the capture or materialization, where it has one already.' }),
  })
  .meta({ id: 'ConnectionRequest' });

export type ConnectionRequest = z.output<typeof connectionRequest>;

export const connectionReport = z
  .object({
    ok: z.boolean(),
    findings: z.array(
      z.object({
        subject: z.string(),
        level: z.enum(['ok', 'warning', 'error']),
        message: z.string(),
        remedy: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'ConnectionReport' });

export type ConnectionReport = z.output<typeof connectionReport>;

export const discoveryRequest = z
  .strictObject({ connector: name, config, name: name.optional() })
  .meta({ id: 'DiscoveryRequest' });

export type DiscoveryRequest = z.output<typeof discoveryRequest>;

export const discovery = z
  .object({
    resources: z.array(
      z.object({
        name: z.string().meta({ description: 'As a binding’s `resource`.' }),
        suggestedTarget: z.string().meta({ description: 'The collection’s name, after the prefix.' }),
        key: z.array(z.string()),
        columns: z.int().meta({ description: 'How many.' }),
        rows: z.number(),
        bytes: z.number(),
        quality: z.enum(['exact', 'sampled', 'statistics', 'unknown']),
        problem: z
          .object({ message: z.string(), remedy: z.string().nullable(), blocks: z.boolean() })
          .nullable(),
      }),
    ),
  })
  .meta({ id: 'Discovery' });

export type Discovery = z.output<typeof discovery>;
