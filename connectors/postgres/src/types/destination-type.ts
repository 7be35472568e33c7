import type { ColumnDefinition, ColumnType } from '@brimful/model';

/** The SQL type that holds every value of a column type exactly. For `other`: the type of that name. */
export function nativeType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean';
    case 'int16':
      return 'smallint';
    case 'int32':
      return 'integer';
    case 'int64':
      return 'bigint';
    case 'float32':
      return 'real';
    case 'float64':
      return 'double precision';
    case 'date':
      return 'date';
    case 'time':
      return 'time without time zone';
    case 'timestamp':
      return type.zoned ? 'timestamp with time zone' : 'timestamp without time zone';
    case 'uuid':
      return 'uuid';
    case 'bytes':
      return 'bytea';
    case 'text':
      return 'text';
    case 'decimal':
      return numericType(type.precision, type.scale ?? 0);
    case 'json':
      return type.binary ? 'jsonb' : 'json';
    case 'other':
      return type.name;
  }
}

/** Scales beyond the digits are understood since server 15 only; plain `numeric` holds the same values everywhere. */
function numericType(precision: number | undefined, scale: number): string {
  if (precision === undefined || scale < 0 || scale > precision) return 'numeric';
  return `numeric(${precision},${scale})`;
}

/** The column type a Postgres destination gives a column: its own, or text where only the text can be kept. */
export function destinationColumnType(column: ColumnDefinition): ColumnType {
  const { type } = column;
  return type.kind === 'other' && !isBuiltIn(type.name) ? TEXT : type;
}

/**
 * The SQL type a Postgres destination gives a column. Built-in types, and arrays and ranges of them, stay what they
 * are, modifiers included; enums, composites, extension types and arrays of those become text, since the destination
 * may not have them.
 */
export function destinationType(column: ColumnDefinition): string {
  return nativeType(destinationColumnType(column));
}

const TEXT: ColumnType = { kind: 'text' };

/**
 * Types that every supported server has and whose text it reads back. Not here: `reg*` and `aclitem` (name objects and
 * roles that may be missing elsewhere), `pg_node_tree` and its like (cannot be read back).
 */
const BUILT_IN: ReadonlySet<string> = new Set(
  `bigint|bit|"bit"|bpchar|bit varying|boolean|box|bytea|"char"|character|character varying|cid|cidr|circle|date|datemultirange
  |daterange|double precision|inet|int2vector|int4multirange|int4range|int8multirange|int8range|integer|interval|json
  |jsonb|jsonpath|line|lseg|macaddr|macaddr8|money|name|numeric|nummultirange|numrange|oid|oidvector|path|pg_lsn
  |pg_snapshot|point|polygon|real|refcursor|smallint|text|tid|time with time zone|time without time zone
  |timestamp with time zone|timestamp without time zone|tsmultirange|tsquery|tsrange|tstzmultirange|tstzrange|tsvector
  |txid_snapshot|uuid|xid|xid8|xml`
    .split('|')
    .map((name) => name.trim()),
);

const INTERVAL_FIELDS = / (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?$/;

function isBuiltIn(name: string): boolean {
  const element = name.replaceAll('[]', '').replace(/\([\d,-]+\)/, '');
  return BUILT_IN.has(element) || BUILT_IN.has(element.replace(INTERVAL_FIELDS, ''));
}
