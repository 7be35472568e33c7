import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@brimful/model';
import type { Append, Request, WriterCalls } from './calls.ts';
import { DirectoryWriter } from './directory-writer.ts';
import { SLOW_FAULT_MS } from './faults.ts';
import { layoutOf } from './layout.ts';
import { GROUP_BYTES_LIMIT, GROUP_COMMANDS_LIMIT } from './limits.ts';
import { storageProblem } from './sqlite-problem.ts';
import { answer, type Reply, takeWaiting } from './thread-port.ts';

/**
 * The thread that writes. Whatever waits when it gets free goes into one transaction, so that a thousand journals
 * share one sync.
 */
assert(parentPort !== null, 'the writer runs in a thread of its own');
const port = parentPort;
const { directory } = workerData as { readonly directory: string };
let writer: DirectoryWriter | undefined;

/** Calls that are no rows in a transaction; each runs alone, in its place in the order. */
const ALONE: ReadonlySet<string> = new Set(['start', 'removeBlob', 'restartLog', 'stop']);

port.on('message', (first: readonly Request[]) => {
  let waiting = takeWaiting(port, first);
  while (waiting.length > 0) {
    const count = groupLength(waiting);
    const group = waiting.slice(0, count);
    const replies = count === 0 ? [runAlone(waiting[0] as Request)] : runGroup(group);
    answer(port, { replies, commits: writer?.commits ?? 0, written: bytesOf(group) });
    waiting = takeWaiting(port, waiting.slice(Math.max(count, 1)));
  }
});

/** How many of the first requests share the next transaction; 0 when the first must run alone. */
function groupLength(waiting: readonly Request[]): number {
  let bytes = 0;
  const limit = Math.min(waiting.length, GROUP_COMMANDS_LIMIT);
  for (let index = 0; index < limit; index += 1) {
    const request = waiting[index] as Request;
    if (ALONE.has(request.call)) return index;
    bytes += inlineBytes(request);
    if (bytes > GROUP_BYTES_LIMIT) return Math.max(index, 1);
  }
  return limit;
}

function runGroup(group: readonly Request[]): Reply[] {
  assert(writer !== undefined, 'the writer has started');
  if (group.some(({ fault }) => fault === 'slow')) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_FAULT_MS);
  }
  const replies = writer.commit(group);
  return replies.map((reply, index) => (group[index]?.fault === 'lost' ? lost(reply) : reply));
}

function lost({ id }: Reply): Reply {
  return {
    id,
    problem: storageProblem(Object.assign(new Error('the answer was lost'), { code: 'EIO' }), {}).toJSON(),
  };
}

function runAlone({ id, call, argument }: Request): Reply {
  try {
    switch (call) {
      case 'start':
        writer = new DirectoryWriter(directory);
        return { id, value: writer.start() };
      case 'removeBlob':
        writer?.removeBlob((argument as WriterCalls['removeBlob'][0]).name);
        return { id, value: null };
      case 'restartLog':
        return { id, value: writer?.restartLog() ?? false };
      default:
        writer?.stop();
        return { id, value: null };
    }
  } catch (error) {
    return { id, problem: storageProblem(error, { directory: layoutOf(directory).directory }).toJSON() };
  }
}

function inlineBytes({ call, argument }: Request): number {
  if (call !== 'append') return 0;
  return (argument as readonly Append[]).reduce((sum, { bodies }) => sum + bodies.byteLength, 0);
}

/** Roughly what the log grew by: bodies, and three pages for each command. */
const COMMAND_BYTES = 12 * 1024;
function bytesOf(group: readonly Request[]): number {
  return group.reduce((sum, request) => sum + inlineBytes(request) + COMMAND_BYTES, 0);
}
