import type { Batch } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { OWN_TYPES, TYPE_CASES } from '../types/testing/postgres-values.ts';
import { describeTable, openSession, scanTable } from '../types/testing/source-table.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { TUNING } from './tuning.ts';
import { applyTo, openDestination, requestOf, testContext } from './testing/destinations.ts';

interface Scanned {
  readonly type: string;
  readonly name: string;
  readonly batch: Batch;
  /** What the source prints, in key order. */
  readonly printed: readonly (readonly (string | null)[])[];
}

/** `format` prints what the output function does; a cast may not. */
const PRINTED = "id::text, CASE WHEN v IS NOT DISTINCT FROM NULL THEN NULL ELSE format('%s', v) END";

async function scanCase(
  session: RawSession,
  name: string,
  type: string,
  values: readonly string[],
): Promise<Scanned> {
  await session.query(`CREATE TABLE public.${name} (id int PRIMARY KEY, v ${type})`);
  const rows = values.map((value, index) => `(${index}, CAST(${value} AS ${type}))`);
  await session.query(`INSERT INTO public.${name} VALUES ${rows.join(', ')}, (-1, NULL)`);
  const batch = await scanTable(session, await describeTable(session, `public.${name}`));
  const printed = await session.query(`SELECT ${PRINTED} FROM public.${name} ORDER BY id`);
  return { type, name, batch, printed: printed.map((row) => [...row]) };
}

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  // Before 16 a "char" above 127 is printed as a byte that is not text.
  const cases = TYPE_CASES.filter(
    ({ since = 0, type }) => since <= server.majorVersion && (type !== '"char"' || server.majorVersion >= 16),
  );

  // Invariant 6
  test('every type arrives equal by load, by arrays and by staging, and is found again without a key', async () => {
    await using source = await createTestDatabase(server);
    await using target = await createTestDatabase(server);
    const session = await openSession(source.url);
    const reader = await openSession(target.url);
    await session.query(OWN_TYPES);
    await using arrays = await openDestination(target.url, {}, testContext(), {
      arrayValues: 1e9,
      arrayBytes: 1e9,
    });
    await using staging = await openDestination(target.url, {}, testContext(), { ...TUNING, arrayValues: 0 });
    for (const [index, { type, values }] of cases.entries()) {
      const scanned = await scanCase(session, `case_${index}`, type, values);
      const { batch, printed } = scanned;
      for (const [way, destination] of [
        ['arrays', arrays],
        ['staging', staging],
      ] as const) {
        const check = async (name: string, what: string): Promise<void> => {
          const arrived = await reader.query(`SELECT ${PRINTED} FROM public.${name} ORDER BY id`);
          expect(arrived, `${type} ${what} by ${way}`).toEqual(printed);
        };
        const merge = { kind: 'merge', steps: [{ kind: 'upsert', batch, unknown: [] }] } as const;
        const keyed = await destination.open(requestOf(`${way}_${index}`, batch.schema));
        // The second time over rows that are there; some types have no equality to compare them by.
        await applyTo(destination, keyed, [{ kind: 'index' }, merge, merge]);
        await check(`${way}_${index}`, 'merged');
        const keyless = { ...batch, schema: { ...batch.schema, key: [] } };
        const remove = { kind: 'merge', steps: [{ kind: 'remove', batch: keyless }] } as const;
        const append = { kind: 'merge', steps: [{ kind: 'append', batch: keyless }] } as const;
        const bare = await destination.open(requestOf(`bare_${way}_${index}`, keyless.schema));
        await applyTo(destination, bare, [
          { kind: 'load', batch: keyless },
          { kind: 'index' },
          append,
          remove,
        ]);
        await check(`bare_${way}_${index}`, 'loaded, doubled, and one of two removed');
        await applyTo(destination, bare, [remove]);
        const left = await reader.query(`SELECT count(*) FROM public.bare_${way}_${index}`);
        expect(left, type).toEqual([['0']]);
      }
    }
    reader.close();
    session.close();
  });
});
