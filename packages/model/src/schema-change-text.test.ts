import { expect, test } from 'vitest';
import type { ColumnDefinition, Schema } from './schema.ts';
import { isWidening, schemaChangeText } from './schema-change-text.ts';
import { compareSchemas } from './schema-lattice.ts';

function column(name: string, sourceId: number, parts: Partial<ColumnDefinition> = {}): ColumnDefinition {
  return { name, sourceId, type: { kind: 'text' }, nullable: true, sourceType: 'text', ...parts };
}

function said(before: readonly ColumnDefinition[], after: readonly ColumnDefinition[]): string[] {
  const schema = (version: number, columns: readonly ColumnDefinition[]): Schema => ({
    version,
    columns,
    key: ['id'],
  });
  return compareSchemas(schema(1, before), schema(2, after)).map(
    (change) => `${schemaChangeText(change)}${isWidening(change) ? '' : '!'}`,
  );
}

const id = column('id', 1, { nullable: false });

test('everything that happens to columns at once, and what of it others may trip over', () => {
  const before = [
    id,
    column('gone', 2),
    column('old', 3),
    column('total', 4, { type: { kind: 'decimal', precision: 12, scale: 2 } }),
    column('count', 5, { type: { kind: 'int64' } }),
    column('when', 6, { type: { kind: 'timestamp', zoned: true } }),
    column('strict', 7, { nullable: true }),
  ];
  const after = [
    id,
    column('new', 3),
    column('total', 4, { type: { kind: 'decimal', precision: 14, scale: 2 } }),
    column('count', 5, { type: { kind: 'int16' } }),
    column('when', 6, { type: { kind: 'uuid' } }),
    column('strict', 7, { nullable: false }),
    column('note', 8),
  ];
  expect(said(before, after)).toEqual([
    'drops gone!',
    'renames old to new!',
    'adds note (text)',
    'widens total from decimal(12,2) to decimal(14,2)',
    'narrows count from int64 to int16!',
    'makes uuid of when, which was timestamp with zone!',
    'forbids nulls in strict',
  ]);
});
