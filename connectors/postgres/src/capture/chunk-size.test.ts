import { expect, test } from 'vitest';
import { ChunkSize } from './chunk-size.ts';
import { PAGE_BYTES } from './table.ts';

const MEGABYTE = 1024 ** 2;

test('fuller pages than the catalog promised make the very next chunk smaller', () => {
  const size = new ChunkSize(PAGE_BYTES);
  expect(size.pagesFor(MEGABYTE)).toBe(128);
  size.measured({ pages: 128, bytes: 16 * MEGABYTE, milliseconds: 1_000 });
  expect(size.pagesFor(MEGABYTE)).toBe(8);
  // One page of TOASTed values that is more than was asked for is still read.
  expect(size.pagesFor(1_000)).toBe(1);
});

test('behind empty pages there may be full ones: they are not taken in one go', () => {
  const size = new ChunkSize(PAGE_BYTES);
  for (let chunk = 0; chunk < 20; chunk += 1) size.measured({ pages: 128, bytes: 0, milliseconds: 1 });
  expect(size.pagesFor(MEGABYTE)).toBe(128);
});

test('wished small for hours, and as large as ever once nothing is wished', () => {
  const size = new ChunkSize(PAGE_BYTES);
  const before = size.pages;
  for (let chunk = 0; chunk < 100; chunk += 1)
    size.measured({ pages: size.pagesFor(MEGABYTE), bytes: MEGABYTE, milliseconds: 1_000 });
  expect(size.pagesFor(Infinity)).toBe(before);
  size.measured({ pages: before, bytes: before * PAGE_BYTES, milliseconds: 250 });
  expect(size.pagesFor(Infinity)).toBeGreaterThan(before);
});
