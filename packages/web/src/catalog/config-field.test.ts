import { expect, test } from 'vitest';
import { complaintOf, fieldsOf, isBareSecret, valueOf, variableFor } from './config-field.ts';

const SCHEMA = {
  properties: {
    url: { type: 'string' },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    password: { type: 'string' },
    ssl: { type: 'string', enum: ['disable', 'require'] },
    connectTimeoutSeconds: { type: 'number', default: 10 },
    schemas: { type: 'array', items: { type: 'string' } },
    slot: { type: 'string', pattern: '^[a-z]+$' },
    odd: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  },
  required: ['url'],
};
const FIELDS = fieldsOf(SCHEMA);
const [url, port, password, ssl, timeout, schemas, slot, odd] = FIELDS as never as readonly [
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
  (typeof FIELDS)[0],
];

test('a schema becomes fields that people can read, the rare ones apart', () => {
  expect(FIELDS.map(({ title, kind, isExtra }) => [title, kind, isExtra])).toEqual([
    ['URL', 'text', false],
    ['Port', 'integer', false],
    ['Password', 'text', false],
    ['SSL', 'choice', false],
    ['Connect timeout seconds', 'number', true],
    ['Schemas', 'list', true],
    ['Slot', 'text', true],
    ['Odd', 'other', true],
  ]);
});

test('what is typed becomes a value of its kind; half a number and a variable stay text', () => {
  expect(valueOf(port, '5432')).toBe(5432);
  expect(valueOf(timeout, '1.')).toBe('1.');
  expect(complaintOf(timeout, '1.')).toBe('A number.');
  expect(valueOf(port, '${PORT}')).toBe('${PORT}');
  expect(complaintOf(port, '${PORT}')).toBeNull();
  expect(complaintOf(port, 70_000)).toBe('At most 65535.');
  expect(complaintOf(port, 1.5)).toBe('A whole number.');
  expect(valueOf(schemas, 'public, audit')).toEqual(['public', 'audit']);
  expect(valueOf(url, '')).toBeUndefined();
  expect(complaintOf(url, undefined)).not.toBeNull();
  expect(complaintOf(odd, undefined)).toBeNull();
  expect(complaintOf(slot, 'Über')).not.toBeNull();
  expect(complaintOf(ssl, 'maybe')).not.toBeNull();
});

test('a secret in the file is noticed; a reference, and an address without one, are not', () => {
  expect(isBareSecret(password, 'hunter2')).toBe(true);
  expect(isBareSecret(password, '${SHOP_PASSWORD}')).toBe(false);
  expect(isBareSecret(url, 'postgres://anna:hunter2@db/shop')).toBe(true);
  expect(isBareSecret(url, 'postgres://anna:${PASSWORD}@db/shop')).toBe(false);
  expect(isBareSecret(url, 'postgres://db/shop')).toBe(false);
  expect(variableFor('shop/postgres-2', password)).toBe('SHOP_POSTGRES_2_PASSWORD');
});
