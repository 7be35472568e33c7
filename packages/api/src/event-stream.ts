export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** The server gives a sign of life every 5 s: a stream that is silent for longer is dead, whatever TCP believes. */
const SILENCE_LIMIT_MILLISECONDS = 20_000;

/** The events of a `text/event-stream`, until it ends. Comments are skipped. Throws when it breaks or falls silent. */
export async function* readEvents(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), signal);
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const found = eventOf(block);
        if (found !== undefined) yield found;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventOf(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}

function inTime<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The stream is silent.')), SILENCE_LIMIT_MILLISECONDS);
    const abort = (): void => reject(new Error('Nobody listens any more.', { cause: signal.reason }));
    signal.addEventListener('abort', abort);
    void read.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
    if (signal.aborted) abort();
  });
}
