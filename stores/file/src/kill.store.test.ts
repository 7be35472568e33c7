import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Entry } from '@brimful/store';
import { expect, test } from 'vitest';
import type { ChildCheckpoint } from './appending-child.ts';
import { type FileStore, openFileStore } from './file-store.ts';
import { bytesFor, makeTestDirectory } from './testing-directory.ts';

const ROUNDS = Number(process.env['BRIMFUL_RUNS'] ?? 20);
const JOURNALS = 4;
const LIVE_MS = 300;
/** A round takes a second; many times that on a machine that does much else. */
const ROUND_LIMIT_MS = 15_000;
const READ_LIMIT_MS = 20_000;

/** What the children acknowledged, over all rounds. */
interface Acknowledged {
  readonly next: Map<string, number>;
  record: number;
}

function startChild(directory: string): ChildProcess {
  const script = fileURLToPath(new URL('./appending-child.ts', import.meta.url));
  return spawn(process.execPath, ['--no-warnings', script, directory, String(JOURNALS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Kills at a random moment: mostly while it writes, sometimes while it opens. */
async function runAndKill(directory: string, known: Acknowledged, whileOpening: boolean): Promise<void> {
  const child = startChild(directory);
  const ended = once(child, 'exit');
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  if (!whileOpening) await once(child.stdout as NodeJS.ReadableStream, 'data');
  await new Promise((resolve) => setTimeout(resolve, Math.random() * LIVE_MS));
  child.kill('SIGKILL');
  const [code, signal] = (await ended) as [number | null, string | null];
  expect([code, signal], 'it lived until it was killed').toEqual([null, 'SIGKILL']);
  if (child.stdout?.readableEnded === false) await once(child.stdout, 'end');
  for (const line of output.split('\n').slice(0, -1)) {
    const [what, first = '', second] = line.split(' ');
    if (what === 'journal') known.next.set(first, Number(second));
    if (what === 'record') known.record = Number(first);
  }
}

async function readBetween(store: FileStore, id: string, first: number, next: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  if (first === next) return entries;
  for await (const entry of store.journals.read(id, first, AbortSignal.timeout(READ_LIMIT_MS))) {
    expect(entry.offset).toBe(first + entries.push(entry) - 1);
    if (entries.length === next - first) break;
  }
  return entries;
}

// Invariant 2
async function verify(directory: string, known: Acknowledged): Promise<number> {
  await using store = await openFileStore(directory);
  const claimed: string[] = [];
  let entries = 0;
  for (const id of await store.journals.list('')) {
    const { first = 0, next = 0 } = (await store.journals.state(id)) ?? {};
    expect(next, `acknowledged entries of ${id}`).toBeGreaterThanOrEqual(known.next.get(id) ?? 0);
    const { head } = await store.journals.open<ChildCheckpoint>(id);
    expect(head.next).toBe(next);
    expect(head.checkpoint?.end ?? 0, `the checkpoint of ${id} came with its entries`).toBe(next);
    for (const { offset, body, blob } of await readBetween(store, id, first, next)) {
      const bytes = blob === undefined ? body : await store.blobs.get(blob.name);
      const isRight =
        Buffer.compare(bytes ?? new Uint8Array(1), bytesFor(id, offset, bytes?.byteLength ?? 0)) === 0;
      expect(isRight, `entry ${offset} of ${id}`).toBe(true);
      if (blob !== undefined) claimed.push(blob.name);
    }
    entries += next - first;
    known.next.set(id, next);
  }
  expect(await store.blobs.list('')).toEqual(claimed.sort());
  const record = (await store.registry.get<number>('counter'))?.value ?? 0;
  expect(record - known.record).toBeOneOf([0, 1]);
  known.record = record;
  return entries;
}

test(
  `a process killed at a random moment, ${ROUNDS} times: all that was acknowledged is there, and nothing half`,
  async () => {
    await using directory = await makeTestDirectory();
    const known: Acknowledged = { next: new Map(), record: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      await runAndKill(directory.path, known, round % 5 === 4);
      await verify(directory.path, known);
    }
    expect([...known.next.values()].every((next) => next > ROUNDS)).toBe(true);
  },
  ROUNDS * ROUND_LIMIT_MS,
);
