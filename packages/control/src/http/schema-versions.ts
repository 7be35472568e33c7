import type { SchemaVersion } from '@brimful/api';
import type { RegisteredSchema } from '@brimful/model';
import { compareSchemas, isWidening, schemaChangeText } from '@brimful/model';

/** Every shape, the oldest first, each with how it differs from the one before. */
export function schemaVersions(schemas: readonly RegisteredSchema[]): SchemaVersion[] {
  return schemas.map((schema, index) => {
    const before = schemas[index - 1];
    const changes = before === undefined ? [] : compareSchemas(before, schema);
    return {
      version: schema.version,
      columns: schema.columns.map((column) => ({ ...column })),
      key: [...schema.key],
      registeredAt: schema.registeredAt ?? null,
      changes: changes.map((change) => ({
        kind: change.kind,
        sentence: schemaChangeText(change),
        isWidening: isWidening(change),
      })),
    };
  });
}
