import type { JoinedTable } from './joined-table.ts';

/** The tables in the stream, by what users call them and by oid. */
export class JoinedTables {
  readonly #byResource = new Map<string, JoinedTable>();
  readonly #byOid = new Map<number, JoinedTable>();

  add(table: JoinedTable): void {
    this.remove(table.resource);
    this.#byResource.set(table.resource, table);
    this.#byOid.set(table.oid, table);
  }

  remove(resource: string): void {
    const table = this.#byResource.get(resource);
    if (table === undefined) return;
    this.#byResource.delete(resource);
    this.#byOid.delete(table.oid);
  }

  get(resource: string): JoinedTable | undefined {
    return this.#byResource.get(resource);
  }

  byOid(oid: number): JoinedTable | undefined {
    return this.#byOid.get(oid);
  }

  /** Those still followed. */
  live(): JoinedTable[] {
    return [...this.#byResource.values()].filter((table) => !table.ended);
  }
}
