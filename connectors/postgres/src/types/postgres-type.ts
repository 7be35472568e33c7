import { modifierText } from './type-modifier.ts';

/** A type of the source's catalog, with what its columns need to be decoded. */
export interface PostgresType {
  readonly oid: number;
  /** `format_type(oid, null)` under `search_path = pg_catalog`: only built-in types lack a schema in front. */
  readonly name: string;
  readonly schema: string;
  /** `pg_type.typtype`: base, enum, domain, composite, range, multirange, pseudo. */
  readonly typtype: 'b' | 'e' | 'd' | 'c' | 'r' | 'm' | 'p';
  /** What a domain restricts, with the domain's own modifier. */
  readonly base?: PostgresType;
  /** What an array or a range holds. */
  readonly element?: PostgresType;
  /** `atttypmod`: -1 when there is none. */
  readonly modifier: number;
  /** The type's output function, ready for SQL: `pg_catalog.inet_out`. Absent: a cast to text is what it prints. */
  readonly output?: string;
}

/** The type whose values a column really holds: domains are looked through. */
export function storedType(type: PostgresType): PostgresType {
  let stored = type;
  while (stored.typtype === 'd' && stored.base !== undefined) {
    const { base } = stored;
    stored = base.modifier === -1 && stored.modifier !== -1 ? { ...base, modifier: stored.modifier } : base;
  }
  return stored;
}

/** As `format_type(oid, modifier)` spells it: `numeric(12,2)`, `timestamp(3) with time zone`, `bit(8)[]`. */
export function typeName(type: PostgresType): string {
  return modifierText(type.name, type.modifier);
}
