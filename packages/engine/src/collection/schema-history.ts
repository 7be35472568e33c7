import type { RegisteredSchema, Schema } from '@brimful/model';
import { Problem, sameType } from '@brimful/model';
import type { Registry } from '@brimful/store';

/**
 * Every shape a generation's rows have had. A version is registered before the first entry that uses it, so that a
 * reader that starts anywhere in the journal can resolve it.
 */
export class SchemaHistory {
  readonly #registry: Registry;
  readonly #key: string;
  #versions: readonly RegisteredSchema[] = [];
  #revision = 0;

  constructor(registry: Registry, collection: string, generation: number) {
    this.#registry = registry;
    this.#key = `schemas/${collection}/${generation}`;
  }

  async load(): Promise<void> {
    const record = await this.#registry.get<readonly RegisteredSchema[]>(this.#key);
    this.#versions = record?.value ?? [];
    this.#revision = record?.revision ?? 0;
  }

  /** Oldest first. */
  get versions(): readonly RegisteredSchema[] {
    return this.#versions;
  }

  get current(): RegisteredSchema | undefined {
    return this.#versions.at(-1);
  }

  /** The version's schema; reads the registry again when it is younger than what is known here. */
  async version(version: number): Promise<RegisteredSchema> {
    const known = this.#versions[version - 1];
    if (known !== undefined) return known;
    await this.load();
    const found = this.#versions[version - 1];
    if (found === undefined) {
      throw new Problem('BRM-STORE-CORRUPT', `${this.#key} lacks version ${version}, which the journal uses`);
    }
    return found;
  }

  /** The same shape under its version here, registered durably when it is new: then `at` stands with it. */
  async register(
    schema: Schema,
    at?: number,
  ): Promise<{ readonly schema: RegisteredSchema; readonly isNew: boolean }> {
    const known = this.#versions.findLast((version) => sameShape(version, schema));
    // Only the newest counts as unchanged: going back to an older shape is a change, too.
    if (known !== undefined && known === this.current) return { schema: known, isNew: false };
    const { version: _, registeredAt: __, ...shape }: RegisteredSchema = schema;
    const version = this.#versions.length + 1;
    const next = { ...shape, version, ...(at === undefined ? {} : { registeredAt: at }) };
    const versions = [...this.#versions, next];
    this.#revision = await this.#registry.put(this.#key, versions, this.#revision);
    this.#versions = versions;
    return { schema: next, isNew: true };
  }

  /** A registered version with this shape, the newest if there are more. Undefined: it never was so. */
  find(schema: Schema): Schema | undefined {
    return this.#versions.findLast((version) => sameShape(version, schema));
  }
}

function sameShape(a: Schema, b: Schema): boolean {
  if (a === b) return true;
  return (
    a.key.length === b.key.length &&
    a.key.every((name, index) => name === b.key[index]) &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, index) => {
      const other = b.columns[index];
      return (
        other !== undefined &&
        column.name === other.name &&
        column.nullable === other.nullable &&
        column.sourceType === other.sourceType &&
        column.sourceId === other.sourceId &&
        column.initial === other.initial &&
        sameType(column.type, other.type)
      );
    })
  );
}
