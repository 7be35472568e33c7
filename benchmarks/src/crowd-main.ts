import { Client } from '@brimful/api';

/** A process of its own with many open pages: each hears everything live, and asks for something now and then. */
const ASK_EVERY_MILLISECONDS = 10_000;

export interface CrowdReport {
  /** Pages that have heard something at all. */
  readonly pages: number;
  readonly events: number;
  readonly errors: number;
  /** Of calls, in milliseconds. */
  readonly calls: readonly number[];
}

const [origin = '', count = '0'] = process.argv.slice(2);
const ending = new AbortController();
const heard = new Set<number>();
const calls: number[] = [];
let events = 0;
let errors = 0;

async function listen(index: number): Promise<void> {
  const client = new Client({ origin });
  for await (const { event } of client.live(['status', 'runs', 'verifications'], ending.signal)) {
    if (event === 'connected' || event === 'lost') continue;
    heard.add(index);
    events += 1;
  }
}

async function ask(index: number): Promise<void> {
  const client = new Client({ origin });
  await pause((ASK_EVERY_MILLISECONDS * index) / Number(count));
  while (!ending.signal.aborted) {
    const began = performance.now();
    try {
      await client.call('getUsage', {});
      calls.push(performance.now() - began);
    } catch {
      // Before the server is there, too.
      errors += heard.size === 0 ? 0 : 1;
    }
    await pause(ASK_EVERY_MILLISECONDS);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    ending.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const work = Array.from({ length: Number(count) }, (_, index) => [listen(index), ask(index)]).flat();
process.on('disconnect', () => process.exit(1));
process.on('message', () => {
  ending.abort();
  const report: CrowdReport = { pages: heard.size, events, errors, calls };
  process.send?.(report, () => process.exit(0));
});
await Promise.all(work);
