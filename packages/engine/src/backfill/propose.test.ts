import type { ProblemRecord, Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { ORDERS } from '../testing/plan-fixture.ts';
import type { TableInTrouble } from './propose.ts';
import { captureProposalOf, proposalOf } from './propose.ts';

const KEYLESS: Schema = { ...ORDERS, key: [] };

function problem(code: `BRM-${string}`, at: Record<string, string> = {}): ProblemRecord {
  return new Problem(code, 'something happened', { at }).toJSON();
}

function table(parts: Partial<TableInTrouble> & Pick<TableInTrouble, 'problem'>): TableInTrouble {
  return {
    capture: 'shop/postgres',
    collection: 'shop/orders',
    isGap: false,
    isStale: false,
    isRead: false,
    shapes: [ORDERS],
    ...parts,
  };
}

const proposed = (parts: Parameters<typeof table>[0]): string | undefined =>
  proposalOf(table(parts))?.command;
const RUN = 'brimful backfill run shop/postgres --binding shop/orders';

describe('values that an ALTER computed anew', () => {
  const rewritten = problem('BRM-PG-REWRITTEN', { columns: 'note, price' });

  test('only those columns are read again', () => {
    expect(proposed({ isStale: true, problem: rewritten })).toBe(
      `${RUN} --mode incremental --columns note,price --reason "rewritten at the source"`,
    );
  });

  test('whole rows where the key is among them, or nobody knows which columns', () => {
    const ofKey = problem('BRM-PG-REWRITTEN', { columns: 'id, note' });
    for (const unclear of [ofKey, problem('BRM-PG-PARTITIONS')])
      expect(proposed({ isStale: true, problem: unclear })).toBe(
        `${RUN} --mode incremental --reason "rewritten at the source"`,
      );
  });

  test('older values that do not fit into the new type cannot be merged with', () => {
    const before: Schema = {
      ...ORDERS,
      columns: ORDERS.columns.map((column) =>
        column.name === 'note' ? { ...column, type: { kind: 'int32' } } : column,
      ),
    };
    expect(proposed({ isStale: true, problem: rewritten, shapes: [before, ORDERS] })).toBe(
      `${RUN} --mode reset --reason "another type at the source"`,
    );
  });

  test('without a key nothing can be merged in place', () => {
    expect(proposed({ isStale: true, problem: rewritten, shapes: [KEYLESS] })).toContain('--mode reset');
  });
});

describe('changes that were lost', () => {
  test('a reset is always safe; reading in place is enough where the shape stayed', () => {
    expect(proposed({ isGap: true, problem: problem('BRM-PG-KEY-LOST') })).toContain('--mode reset');
    expect(proposed({ isGap: true, problem: problem('BRM-PG-NOT-PUBLISHED') })).toContain(
      '--mode incremental',
    );
    expect(proposed({ isGap: true, problem: problem('BRM-PG-NOT-PUBLISHED'), shapes: [KEYLESS] })).toContain(
      '--mode reset',
    );
  });

  test('of a whole capture: a reset of all its tables, and nothing less', () => {
    for (const code of ['BRM-PG-SLOT-LOST', 'BRM-PG-SERVER-RESTORED', 'BRM-PG-PUBLICATION-LOST'] as const)
      expect(captureProposalOf('shop/postgres', problem(code))?.command).toBe(
        'brimful backfill run shop/postgres --mode reset --reason "changes were lost"',
      );
    expect(captureProposalOf('shop/postgres', problem('BRM-PG-SERVER-CHANGED'))).toBeUndefined();
    expect(captureProposalOf('shop/postgres', undefined)).toBeUndefined();
    expect(proposed({ isGap: true, problem: problem('BRM-CAPTURE-CUT-OFF') })).toContain('--mode reset');
  });
});

test('nothing is proposed twice, nor for what no run mends', () => {
  expect(proposed({ isGap: true, problem: problem('BRM-RUN-GAP') })).toBeUndefined();
  expect(proposed({ isGap: true, isRead: true, problem: problem('BRM-PG-KEY-LOST') })).toBeUndefined();
  expect(proposed({ problem: problem('BRM-PG-VALUE') })).toBeUndefined();
});

test('names that a shell would take apart are quoted', () => {
  const odd = table({ isGap: true, problem: problem('BRM-PG-KEY-LOST'), collection: "shop/it's $HOME" });
  expect(proposalOf(odd)?.command).toContain(String.raw`--binding 'shop/it'\''s $HOME'`);
});
