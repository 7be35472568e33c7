import { Problem } from '@brimful/model';
import { expect } from 'vitest';
import type { Entry, EntryMeta, JournalId, NewEntry, Offset } from '../journals.ts';
import type { Store } from '../store.ts';

/** One durable place, empty at first, that may be opened again and again. */
export interface StoreHarness {
  open(): Promise<Store>;
  destroy(): Promise<void>;
  /** The next append is written, but its writer is told that it failed. Absent: those tests are skipped. */
  loseNextAnswer?(): void;
  /** Whether several stores may be open on the place at once. */
  readonly isShared?: boolean;
}

export type MakeStore = () => Promise<StoreHarness>;

/** A wait in a test that lasts longer is a hang. */
const WAIT_LIMIT_MS = 20_000;

/** Runs `work` with a store on an empty place, then cleans up. */
export async function withStore(
  makeStore: MakeStore,
  work: (store: Store, harness: StoreHarness) => Promise<void>,
): Promise<void> {
  const harness = await makeStore();
  try {
    await using store = await harness.open();
    await work(store, harness);
  } finally {
    await harness.destroy();
  }
}

export const META: EntryMeta = { rows: 1, rawBytes: 10, schema: 0, committedAt: 1, scanned: 0, unknown: 0 };

export function rows(body: Uint8Array, note?: string): NewEntry {
  return { kind: 'rows', meta: note === undefined ? META : { ...META, note }, body };
}

/** Bytes that tell where they belong. */
export function pattern(bytes: number, seed: number): Uint8Array {
  const body = new Uint8Array(bytes);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let index = 0; index < bytes; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    body[index] = state >>> 24;
  }
  return body;
}

/** Exactly `count` entries from `from` on. */
export async function take(store: Store, id: JournalId, from: Offset, count: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  if (count === 0) return entries;
  for await (const entry of store.journals.read(id, from, AbortSignal.timeout(WAIT_LIMIT_MS))) {
    entries.push(entry);
    if (entries.length === count) return entries;
  }
  throw new Error(`journal ${id} gave ${entries.length} entries from ${from}, not ${count}`);
}

/** All entries there are now. */
export async function takeAll(store: Store, id: JournalId): Promise<Entry[]> {
  const state = await store.journals.state(id);
  return state === undefined ? [] : take(store, id, state.first, state.next - state.first);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + WAIT_LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`did not happen within ${WAIT_LIMIT_MS} ms: ${what}`);
    await sleep(5);
  }
}

export function expectSame(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Problem);
  return outcome as Problem;
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await problemOf(work)).code;
}
