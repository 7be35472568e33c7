const ARRAY = /^(.*?)((?:\[\])+)$/s;

/** Types whose plain name means a length of one: without a modifier they have these. */
const UNLIMITED: ReadonlyMap<string, string> = new Map([
  ['character', 'bpchar'],
  ['bit', '"bit"'],
]);

/** Puts a modifier into a type's name where `format_type` would; the type's own name where there is none. */
export function modifierText(name: string, modifier: number): string {
  const array = ARRAY.exec(name);
  if (array !== null) return `${modifierText(array[1] as string, modifier)}${array[2] as string}`;
  if (modifier < 0) return UNLIMITED.get(name) ?? name;
  switch (name) {
    case 'numeric': {
      const packed = modifier - 4;
      return `numeric(${(packed >> 16) & 0xffff},${((packed & 0x7ff) ^ 1024) - 1024})`;
    }
    case 'character':
    case 'character varying':
      return `${name}(${modifier - 4})`;
    case 'bit':
    case 'bit varying':
      return `${name}(${modifier})`;
    case 'time without time zone':
    case 'time with time zone':
    case 'timestamp without time zone':
    case 'timestamp with time zone':
      return name.replace(/^\w+/, (word) => `${word}(${modifier})`);
    case 'interval':
      return intervalName(modifier);
    default:
      return name;
  }
}

const MONTH = 1 << 1;
const YEAR = 1 << 2;
const DAY = 1 << 3;
const HOUR = 1 << 10;
const MINUTE = 1 << 11;
const SECOND = 1 << 12;
const FULL_RANGE = 0x7fff;
const FULL_PRECISION = 0xffff;

const INTERVAL_FIELDS: ReadonlyMap<number, string> = new Map([
  [YEAR, ' year'],
  [MONTH, ' month'],
  [DAY, ' day'],
  [HOUR, ' hour'],
  [MINUTE, ' minute'],
  [SECOND, ' second'],
  [YEAR | MONTH, ' year to month'],
  [DAY | HOUR, ' day to hour'],
  [DAY | HOUR | MINUTE, ' day to minute'],
  [DAY | HOUR | MINUTE | SECOND, ' day to second'],
  [HOUR | MINUTE, ' hour to minute'],
  [HOUR | MINUTE | SECOND, ' hour to second'],
  [MINUTE | SECOND, ' minute to second'],
  [FULL_RANGE, ''],
]);

function intervalName(modifier: number): string {
  const fields = INTERVAL_FIELDS.get((modifier >> 16) & FULL_RANGE) ?? '';
  const precision = modifier & 0xffff;
  return `interval${fields}${precision === FULL_PRECISION ? '' : `(${precision})`}`;
}
