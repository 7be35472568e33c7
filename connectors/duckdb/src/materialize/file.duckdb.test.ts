import { symlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { DuckdbConfig } from '../config.ts';
import { check } from '../check.ts';
import { DatabaseFile } from '../database/database-file.ts';
import { query } from '../query.ts';
import type { Child } from '../testing/child.ts';
import { nextLine, startChild } from '../testing/child.ts';
import { removeScratch, scratchConfig, testContext } from '../testing/scratch.ts';
import { batchOf, definition, requestFor, schemaOf } from '../testing/tables.ts';
import { DuckdbDestination } from './destination.ts';

const children: Child[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map(async (child) => child.kill()));
  removeScratch();
});

function start(program: string, ...parameters: string[]): Child {
  const child = startChild(program, ...parameters);
  children.push(child);
  return child;
}

const forever = new AbortController().signal;
const schema = schemaOf(
  [definition('id', { kind: 'int64' }, { nullable: false }), definition('note', { kind: 'text' })],
  ['id'],
);

/** What the writer's table holds, and what its checkpoint says, as of one snapshot. */
async function stateOf(
  config: DuckdbConfig,
): Promise<{ rows: number; applied: number; replacedBy: string | null }> {
  const sql = `SELECT count(*), any_value(note) FILTER (id = 0), (SELECT checkpoint FROM brimful.checkpoints) FROM numbers`;
  const { rows } = await query(config, sql, testContext());
  const [count, note, checkpoint] = rows[0] as [string, string | null, string | null];
  return { rows: Number(count), replacedBy: note, applied: Number(checkpoint ?? 0) };
}

test('a query from another process gets in while a writer is busy without a pause', async () => {
  const config = scratchConfig();
  const writer = start('./write-forever.ts', config.path);
  await nextLine(writer);
  let last = 0;
  let slowest = 0;
  for (let round = 0; round < 5; round += 1) {
    const started = performance.now();
    const state = await stateOf(config);
    slowest = Math.max(slowest, performance.now() - started);
    // Each answer is one whole transaction's state, and a later one's each time.
    expect(state).toEqual({
      rows: state.applied * 5000,
      applied: state.applied,
      replacedBy: `replaced by ${state.applied - 1}`,
    });
    expect(state.applied).toBeGreaterThan(last);
    last = state.applied;
    // The next question is asked while the writer has the file again.
    for (let told = 0; told <= last;) told = Number(await nextLine(writer));
  }
  expect(slowest).toBeLessThan(10_000);
});

test.for(['duckdb.apply.table', 'duckdb.apply.before-commit', 'duckdb.apply.committed'])(
  'Invariant 2: killed at %s, the file holds one transaction or the next, and the writer goes on from it',
  async (point) => {
    const config = scratchConfig();
    for (const times of [0, 3, 5]) {
      const writer = start('./write-forever.ts', config.path, point, String(times));
      await writer.exited;
      await using destination = new DuckdbDestination(config, testContext());
      const table = await destination.open(requestFor('numbers', schema));
      const applied = Number(table.checkpoint ?? 0);
      await destination.idle();
      const state = await stateOf(config);
      expect(state.rows).toBe(applied * 5000);
      expect(state.replacedBy).toBe(applied === 0 ? null : `replaced by ${applied - 1}`);
    }
    const { applied } = await stateOf(config);
    expect(applied).toBe(point === 'duckdb.apply.committed' ? 11 : 8);
  },
);

test('killed at any moment, the file holds whole transactions only, none of those told as committed missing', async () => {
  const config = scratchConfig();
  for (const milliseconds of [5, 40, 90, 170]) {
    const writer = start('./write-forever.ts', config.path);
    let told = Number(await nextLine(writer));
    const reading = (async () => {
      for await (const line of writer.lines) told = Number(line);
    })();
    await sleep(milliseconds);
    await writer.kill();
    await reading;
    const state = await stateOf(config);
    expect(state.rows).toBe(state.applied * 5000);
    expect(state.applied).toBeGreaterThanOrEqual(told);
    expect(state.replacedBy).toBe(`replaced by ${state.applied - 1}`);
  }
});

test.for(['READ_WRITE', 'READ_ONLY'])(
  'while a user has the file open (%s), work waits, says for whom, and goes on',
  async (mode) => {
    const config = scratchConfig();
    const context = testContext();
    await using destination = new DuckdbDestination(config, context);
    const table = await destination.open(requestFor('numbers', schema));
    await destination.idle();
    const user = start('./hold-file.ts', config.path, mode);
    expect(await nextLine(user)).toBe('held');
    const load = { kind: 'load', batch: batchOf(schema, [[1n, 'a']]) } as const;
    let done = false;
    const applied = destination.apply([{ table, actions: [load], checkpoint: 1 }], forever).then(() => {
      done = true;
    });
    const second = destination.open(requestFor('others', schema));
    await sleep(800);
    expect(done).toBe(false);
    expect(destination.waiting).toMatch(new RegExp(`^file in use by pid ${user.pid} \\(node\\)$`, 'u'));
    // Reading beside a reader is fine; beside a writer it is told who that is.
    const found = await check(config, context);
    const levels = mode === 'READ_WRITE' ? ['ok', 'warning'] : ['ok', 'ok'];
    expect(found.map(({ level }) => level)).toEqual(levels);
    await user.finish();
    await applied;
    await second;
    expect(destination.waiting).toBeUndefined();
  },
);

test('waiting for the file ends with the abort signal, and with the destination', async () => {
  const config = scratchConfig();
  const destination = new DuckdbDestination(config, testContext());
  const table = await destination.open(requestFor('numbers', schema));
  await destination.idle();
  const user = start('./hold-file.ts', config.path, 'READ_WRITE');
  await nextLine(user);
  const aborting = new AbortController();
  const applied = destination.apply([{ table, actions: [], checkpoint: 1 }], aborting.signal);
  const opened = destination.open(requestFor('others', schema));
  const failures = Promise.all([
    expect(applied).rejects.toThrow('enough'),
    expect(opened).rejects.toMatchObject({ code: 'BRM-DUCKDB-CLOSED', kind: 'retry' }),
  ]);
  await sleep(200);
  aborting.abort(new Error('enough'));
  await sleep(200);
  await destination[Symbol.asyncDispose]();
  await failures;
});

test("Invariant 3: a query in the writer's own process shares its file and leaves its lock alone", async () => {
  const config = scratchConfig();
  const file = DatabaseFile.at(config.path);
  const lease = await file.acquire('write', config);
  const { rows } = await query(config, 'SELECT 42', testContext());
  expect(rows).toEqual([['42']]);
  const user = startChild('./hold-file.ts', config.path, 'READ_WRITE');
  expect(await user.exited).toEqual([1, null]);
  // Nor may one under another name for the same file.
  symlinkSync(config.path, `${config.path}.link`);
  await query({ ...config, path: `${config.path}.link` }, 'SELECT 42', testContext());
  const again = startChild('./hold-file.ts', config.path, 'READ_ONLY');
  expect(await again.exited).toEqual([1, null]);
  await lease.release();
  expect(file.isOpen).toBe(false);
});

test('the file is free soon after the last work, without being told', async () => {
  const config = scratchConfig();
  await using destination = new DuckdbDestination(config, testContext());
  await destination.open(requestFor('numbers', schema));
  await sleep(500);
  const user = start('./hold-file.ts', config.path, 'READ_WRITE');
  expect(await nextLine(user)).toBe('held');
  await user.finish();
});
