import { z } from 'zod';
import { schema, schemaVersion } from './schema.ts';

/** One table that is kept equal to the collection. */
const reader = z.object({
  materialization: z.string(),
  table: z.string(),
  phase: z.string(),
  offset: z.number(),
  lagMilliseconds: z.number().optional(),
});

export const collection = z
  .object({
    name: z.string(),
    capture: z.string(),
    resource: z.string(),
    phase: z.string().meta({ description: 'As of the binding that fills it.' }),
    rowsRead: z.number(),
    changes: z.number(),
    journal: z.object({ first: z.number(), next: z.number(), bytes: z.number() }),
    readers: z.array(reader),
  })
  .meta({ id: 'Collection' });

export type Collection = z.output<typeof collection>;

export const collectionDetail = z
  .object({
    collection,
    generation: z.int(),
    nextGeneration: z.int().nullable().meta({ description: 'That a run is building.' }),
    previousGeneration: z.int().nullable().meta({ description: 'That can be gone back to.' }),
    schema: schema.nullable().meta({ description: 'Null: nothing was captured yet.' }),
  })
  .meta({ id: 'CollectionDetail' });

export type CollectionDetail = z.output<typeof collectionDetail>;

/** One row or change, as it was captured. */
export const previewRow = z
  .object({
    operation: z.enum(['read', 'base', 'fill', 'insert', 'update', 'move', 'delete', 'truncate']),
    offset: z.number().meta({ description: 'Of the journal entry it came in.' }),
    committedAt: z.string().exactOptional(),
    oldKey: z.array(z.string().nullable()).exactOptional(),
    values: z
      .record(z.string(), z.string().nullable())
      .meta({ description: "The source's text of each value that is known. Long ones are cut." }),
    cut: z.array(z.string()).exactOptional().meta({ description: 'Columns whose text was cut.' }),
  })
  .meta({ id: 'PreviewRow' });

export type PreviewRow = z.output<typeof previewRow>;

export const preview = z
  .object({
    rows: z.array(previewRow).meta({ description: 'The oldest of them first.' }),
    schema: schema.nullable(),
    next: z.number().meta({ description: 'The offset that the next entry will have.' }),
  })
  .meta({ id: 'Preview' });

export type Preview = z.output<typeof preview>;

export const schemaVersions = z.object({ generation: z.int(), versions: z.array(schemaVersion) });

export type SchemaVersions = z.output<typeof schemaVersions>;
