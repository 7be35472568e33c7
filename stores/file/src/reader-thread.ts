import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { assert } from '@brimful/model';
import type { HistoryPage, ReaderCalls, Request } from './calls.ts';
import { DirectoryReader } from './directory-reader.ts';
import { storageProblem } from './sqlite-problem.ts';
import { answer } from './thread-port.ts';

/**
 * The thread that reads history and copies the log into the database: reading would hold up the event loop, and
 * copying would hold up commits.
 */
assert(parentPort !== null, 'the reader runs in a thread of its own');
const port = parentPort;
const { directory, readonly } = workerData as { readonly directory: string; readonly readonly: boolean };
let reader: DirectoryReader | undefined;

port.on('message', (requests: readonly Request[]) => {
  for (const request of requests) {
    try {
      const value = run(request);
      answer(
        port,
        { replies: [{ id: request.id, value }] },
        request.call === 'page' ? bodiesOf(value as HistoryPage | null) : [],
      );
    } catch (error) {
      const { name, blob } = (request.argument ?? {}) as { name?: string; blob?: string };
      const where = {
        directory,
        ...(name === undefined ? {} : { journal: name }),
        ...(blob === undefined ? {} : { blob }),
      };
      answer(port, { replies: [{ id: request.id, problem: storageProblem(error, where).toJSON() }] });
    }
  }
});

function run({ call, argument }: Request): unknown {
  if (call === 'start') {
    reader = new DirectoryReader(directory, readonly);
    return null;
  }
  if (call === 'stop') return reader?.stop() ?? null;
  assert(reader !== undefined, 'the reader has started');
  switch (call as Exclude<keyof ReaderCalls, 'start' | 'stop'>) {
    case 'page': {
      const { name, from, bytes } = argument as ReaderCalls['page'][0];
      return reader.page(name, from, bytes);
    }
    case 'list':
      return reader.list((argument as ReaderCalls['list'][0]).prefix);
    case 'records':
      return reader.records();
    case 'claims':
      return reader.claims((argument as ReaderCalls['claims'][0]).blob);
    case 'space':
      return reader.space();
    case 'version':
      return reader.version();
    case 'checkpoint':
      return reader.checkpoint();
    default:
      return assert(false, `nothing to read is called ${call}`);
  }
}

/** The bodies change hands instead of being copied. */
function bodiesOf(page: HistoryPage | null): Transferable[] {
  const bodies: Transferable[] = [];
  for (const { body } of page?.entries ?? []) {
    if (body !== null && body.byteLength > 0) bodies.push(body.buffer as ArrayBuffer);
  }
  return bodies;
}
