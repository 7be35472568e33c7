import type { Resume } from '@brimful/connector';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JoinedTable } from './joined-table.ts';
import type { Table } from './table.ts';

// Invariant 4
test('wherever a consumer stops, a replay from the slot’s place delivers every change once', () => {
  fc.assert(
    fc.property(
      // How many changes of the table each transaction has, and after how many deliveries the consumer dies each time.
      fc.array(fc.nat(6), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(8), { maxLength: 8 }),
      (transactions, lives) => {
        const delivered: string[] = [];
        let resume: Resume = { position: '0' };
        for (const life of [...lives, Number.POSITIVE_INFINITY]) {
          resume = replay(transactions, resume, life, delivered);
        }
        const all = transactions.flatMap((changes, index) =>
          Array.from({ length: changes }, (_, change) => `${index}.${change}`),
        );
        expect(delivered).toEqual(all);
      },
    ),
  );
});

/** Streams everything again; notes after every change what the journal would. */
function replay(transactions: readonly number[], from: Resume, life: number, delivered: string[]): Resume {
  const table = new JoinedTable(
    'public.t',
    { leaves: [], kind: 'r', identity: { key: [], publication: 'changes' } } as unknown as Table,
    SCHEMA,
    0n,
    -1n,
  );
  table.resumeFrom(from);
  let resume = from;
  let left = life;
  let passed = 0n;
  for (const [index, changes] of transactions.entries()) {
    const final = BigInt((index + 1) * 100);
    const open = { serial: index, final };
    for (let change = 0; change < changes; change += 1) {
      if (!table.admits(index, final)) continue;
      if (left === 0) return resume;
      left -= 1;
      delivered.push(`${index}.${change}`);
      resume = table.resume(passed, open);
    }
    passed = final + 50n;
    // A slice that ends with the transaction moves the place only for tables it has rows of.
    if (index % 2 === 0 && resume.cut?.position === final.toString())
      resume = table.resume(passed, undefined);
  }
  return resume;
}

const SCHEMA = { version: 1, columns: [], key: [] };
