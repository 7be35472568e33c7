import { expect, test } from 'vitest';

import { STAGING_TABLES_LIMIT, StagingTables } from './staging-tables.ts';

const textOf = (claimed: { readonly statements: readonly { readonly text: string }[] }): string[] =>
  claimed.statements.map(({ text }) => text.split(' ')[0] ?? '');

test('a table made by a transaction that failed is made again', () => {
  const tables = new StagingTables();
  expect(textOf(tables.begin().claim('a int'))).toEqual(['CREATE']);
  const second = tables.begin();
  expect(textOf(second.claim('a int'))).toEqual(['CREATE']);
  second.committed();
  expect(textOf(tables.begin().claim('a int'))).toEqual([]);
});

test('used twice in one transaction, it is emptied in between', () => {
  const claims = new StagingTables().begin();
  expect(textOf(claims.claim('a int'))).toEqual(['CREATE']);
  expect(textOf(claims.claim('a int'))).toEqual(['TRUNCATE']);
});

test('there are never more than the limit: the one unused for longest goes', () => {
  const tables = new StagingTables();
  for (let index = 0; index < STAGING_TABLES_LIMIT; index += 1) {
    const claims = tables.begin();
    claims.claim(`c${index} int`);
    claims.committed();
  }
  const claims = tables.begin();
  expect(textOf(claims.claim('c0 int'))).toEqual([]);
  expect(textOf(claims.claim('new int'))).toEqual(['DROP', 'CREATE']);
  expect(textOf(claims.claim('c0 int'))).toEqual(['TRUNCATE']);
  expect(textOf(claims.claim('c1 int'))).toEqual(['DROP', 'CREATE']);
});
