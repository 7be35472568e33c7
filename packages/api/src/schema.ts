import type { ColumnDefinition, ColumnType, Schema, SchemaChange } from '@brimful/model';
import { z } from 'zod';

const columnType: z.ZodType<ColumnType> = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.enum([
        'boolean',
        'int16',
        'int32',
        'int64',
        'float32',
        'float64',
        'date',
        'time',
        'uuid',
        'bytes',
        'text',
      ]),
    }),
    z.object({ kind: z.literal('timestamp'), zoned: z.boolean() }),
    z.object({
      kind: z.literal('decimal'),
      precision: z.int().exactOptional(),
      scale: z.int().exactOptional(),
    }),
    z.object({ kind: z.literal('json'), binary: z.boolean() }),
    z.object({ kind: z.literal('other'), name: z.string() }),
  ])
  .meta({ id: 'ColumnType' });

const columnDefinition: z.ZodType<ColumnDefinition> = z
  .object({
    name: z.string(),
    type: columnType,
    nullable: z.boolean(),
    sourceType: z.string(),
    sourceId: z.number().exactOptional(),
    initial: z.string().exactOptional(),
  })
  .meta({ id: 'Column' });

export const schema: z.ZodType<Schema> = z
  .object({ version: z.int(), columns: z.array(columnDefinition), key: z.array(z.string()) })
  .meta({ id: 'Schema', description: 'The shape of rows. An empty key: rows have none.' });

const CHANGES = [
  'drop',
  'rename',
  'add',
  'widen',
  'narrow',
  'incompatible',
  'nullable',
  'key',
] as const satisfies readonly SchemaChange['kind'][];

export const schemaVersion = z
  .object({
    version: z.int(),
    columns: z.array(columnDefinition),
    key: z.array(z.string()),
    registeredAt: z
      .number()
      .nullable()
      .meta({ description: 'When a row of this shape was first seen; null: before times were noted.' }),
    changes: z
      .array(
        z.object({
          kind: z.enum(CHANGES),
          sentence: z.string(),
          isWidening: z
            .boolean()
            .meta({ description: 'Whether who read the version before can go on as before.' }),
        }),
      )
      .meta({ description: 'From the version before. Empty: it is the first.' }),
  })
  .meta({ id: 'SchemaVersion' });

export type SchemaVersion = z.output<typeof schemaVersion>;
