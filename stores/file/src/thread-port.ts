import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads';
import type { ProblemRecord } from '@brimful/model';
import type { Request } from './calls.ts';

/** The worker's end of a thread: requests come in arrays, replies go out in arrays. */

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly problem: ProblemRecord };

export interface Answer {
  readonly replies: readonly Reply[];
  /** Only from the writer: transactions committed since the start, and bytes written since the last answer. */
  readonly commits?: number;
  readonly written?: number;
}

/** `first` and everything else that has arrived meanwhile, without going back to the event loop. */
export function takeWaiting(port: MessagePort, first: readonly Request[]): Request[] {
  const requests = [...first];
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) return requests;
    requests.push(...(next.message as Request[]));
  }
}

export function answer(port: MessagePort, message: Answer, transfers: readonly Transferable[] = []): void {
  port.postMessage(message, transfers);
}
