import { writeSync } from 'node:fs';
import type { NewEntry, Writer } from '@brimful/store';
import { type FileStore, openFileStore } from './file-store.ts';
import { bytesFor, META, rowsFor } from './testing-directory.ts';

/**
 * A process that writes until it is killed, for tests: `node appending-child.ts <directory> <journals> <entries to keep>`.
 *
 * Says on stdout, in one write each, what was acknowledged: `ready`, `journal <id> <next>`, `record <value>`.
 * Every checkpoint says where its append ended, so that whoever looks later can tell whether both are there.
 */
export interface ChildCheckpoint {
  readonly end: number;
}

const TRIM_EVERY_APPENDS = 40;

async function appendForever(store: FileStore, id: string, keep: number): Promise<never> {
  const writer: Writer<ChildCheckpoint> = await store.journals.open(id);
  for (let round = 1; ; round += 1) {
    const entries = await makeEntries(store, id, writer.head.next);
    const { next } = await writer.append(entries, { end: writer.head.next + entries.length });
    say(`journal ${id} ${next}`);
    if (round % TRIM_EVERY_APPENDS === 0) await store.journals.trim(id, Math.max(0, next - keep));
  }
}

async function makeEntries(store: FileStore, id: string, next: number): Promise<NewEntry[]> {
  const count = Math.floor(Math.random() * 4);
  const entries: NewEntry[] = [];
  for (let offset = next; offset < next + count; offset += 1) {
    const size = Math.floor(Math.random() ** 3 * 60_000);
    if (Math.random() < 0.8) {
      entries.push(rowsFor(id, offset, size));
      continue;
    }
    // Names are never used twice: an earlier process may have put this offset's blob and died before claiming it.
    const name = `${id}/${offset}-${process.pid}`;
    const { bytes } = await store.blobs.put(name, [bytesFor(id, offset, size)]);
    entries.push({ kind: 'rows', meta: META, blob: { name, bytes } });
  }
  return entries;
}

async function putForever(store: FileStore): Promise<never> {
  for (;;) {
    const known = await store.registry.get<number>('counter');
    const value = (known?.value ?? 0) + 1;
    await store.registry.put('counter', value, known?.revision ?? 0);
    say(`record ${value}`);
  }
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const [directory = '', journals = '1', keep = '60'] = process.argv.slice(2);
const store = await openFileStore(directory);
say('ready');
await Promise.all([
  putForever(store),
  ...Array.from({ length: Number(journals) }, (_, index) => appendForever(store, `j/${index}`, Number(keep))),
]);
