import { describe, expect, test } from 'vitest';
import { createTestDatabase, newestPostgres } from '@brimful/testbed/vitest';

import { Lane } from './lane.ts';
import { PipelineError } from './pipeline.ts';
import type { CopySource, Statement } from './pipeline.ts';

const BEGIN: Statement = { text: 'BEGIN', prepared: true };
const COMMIT: Statement = { text: 'COMMIT', prepared: true };

/** Text COPY of numbers, many frames of 64 kB; throws after `failAfter` of them. */
function numbers(frames: number, failAfter = Infinity): CopySource & { readonly released: number } {
  const line = Buffer.from('1234567\n'.repeat(8192));
  const frame = Buffer.concat([Buffer.from([0x64, 0, 0, 0, 0]), line]);
  frame.writeInt32BE(line.length + 4, 1);
  let released = 0;
  return {
    *frames() {
      for (let index = 0; index < frames; index += 1) {
        if (index >= failAfter) throw new Error('row 7 cannot be encoded');
        yield frame;
      }
    },
    release: () => {
      released += 1;
    },
    get released() {
      return released;
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<PipelineError> {
  const outcome = await work.catch((error: unknown) => error);
  if (outcome instanceof PipelineError) return outcome;
  throw new Error(`expected a pipeline error, got ${String(outcome)}`);
}

describe('many statements in one round trip', () => {
  test('results come in order, also around a COPY; frames come back', async () => {
    await using database = await createTestDatabase(newestPostgres());
    await using lane = await Lane.connect({ connectionString: database.url }, 'CREATE TABLE t (n int)');
    const copy = numbers(100);
    const results = await lane.run([
      BEGIN,
      { text: 'SELECT $1::text, $2::int', parameters: ['ä', null], prepared: true },
      { text: 'COPY t FROM STDIN', copy },
      { text: 'SELECT count(*) FROM t' },
      { text: 'COPY t FROM STDIN', copy: numbers(0) },
      { text: 'DELETE FROM t', prepared: true },
      COMMIT,
    ]);
    expect(results.map(({ tag }) => tag)).toEqual([
      'BEGIN',
      'SELECT 1',
      'COPY 819200',
      'SELECT 1',
      'COPY 0',
      'DELETE 819200',
      'COMMIT',
    ]);
    expect([results[1]?.rows, results[3]?.rows]).toEqual([[['ä', null]], [['819200']]]);
    expect(copy.released).toBe(100);
  });

  test.for<[string, readonly Statement[], number, RegExp]>([
    [
      'a statement before a COPY',
      [{ text: 'SELECT 1/0' }, { text: 'COPY t FROM STDIN', copy: numbers(200) }],
      1,
      /division by zero/,
    ],
    [
      'the server, in the middle of a COPY',
      [{ text: 'COPY u FROM STDIN', copy: numbers(200) }],
      1,
      /duplicate key/,
    ],
    ['the COPY itself', [{ text: 'COPY nowhere FROM STDIN', copy: numbers(200) }], 1, /does not exist/],
    [
      'our own encoder',
      [{ text: 'SELECT 1' }, { text: 'COPY t FROM STDIN', copy: numbers(200, 50) }],
      2,
      /row 7 cannot be encoded/,
    ],
    [
      'a statement after a COPY',
      [{ text: 'COPY t FROM STDIN', copy: numbers(10) }, { text: 'SELEKT' }],
      2,
      /syntax error/,
    ],
  ])(
    'fails by %s: nothing of it happened, and the connection goes on',
    async ([, statements, place, message]) => {
      await using database = await createTestDatabase(newestPostgres());
      await using lane = await Lane.connect(
        { connectionString: database.url },
        'CREATE TABLE t (n int); CREATE TABLE u (n int PRIMARY KEY)',
      );
      const late: Statement = { text: 'SELECT 4711 + $1::int', parameters: ['1'], prepared: true };
      const failure = await failureOf(lane.run([BEGIN, ...statements, late, COMMIT]));
      expect(failure.statement).toBe(place);
      expect(failure.message).toMatch(message);
      // The late statement was never parsed: it must be now, and then kept.
      for (let again = 0; again < 2; again += 1) {
        const results = await lane.run([BEGIN, late, late, { text: 'SELECT count(*) FROM t' }, COMMIT]);
        expect(results[2]?.rows).toEqual([['4712']]);
        expect(results[3]?.rows).toEqual([['0']]);
      }
    },
  );

  test('more statements than a connection keeps are given up, the oldest first', async () => {
    await using database = await createTestDatabase(newestPostgres());
    await using lane = await Lane.connect({ connectionString: database.url }, '');
    const statements = Array.from({ length: 1000 }, (_, index): Statement => ({
      text: `SELECT ${index}`,
      prepared: true,
    }));
    expect(await lane.run(statements)).toHaveLength(1000);
    await lane.run([statements[0] as Statement, statements[999] as Statement]);
    const kept = await lane.query('SELECT count(*) AS kept FROM pg_prepared_statements');
    expect(Number(kept.rows[0]?.['kept'])).toBeLessThanOrEqual(400);
  });
});
