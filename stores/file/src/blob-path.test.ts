import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blobName, blobPath } from './blob-path.ts';

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('/') && text !== '.' && text !== '..' && text.isWellFormed());
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));

test('every name is its own path, below the directory, and comes back', () => {
  fc.assert(
    fc.property(name, (text) => {
      const path = blobPath('/blobs', text);
      expect(path.startsWith('/blobs/')).toBe(true);
      expect(path).toMatch(/^[/a-z0-9%._!~()-]+$/);
      expect(blobName(path.slice('/blobs/'.length))).toBe(text);
    }),
  );
});

test('names that differ only in case differ on every file system', () => {
  expect(blobPath('/b', 'Orders/A').toLowerCase()).not.toBe(blobPath('/b', 'orders/a').toLowerCase());
});

test('a blob never has the path of a directory', () => {
  expect(blobPath('/b', 'x.blob/y')).not.toMatch(/^\/b\/x\.blob\//);
});
