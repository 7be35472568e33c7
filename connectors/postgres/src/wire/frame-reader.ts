/** Told of one backend message. `start..end` is its body, valid during the call only. */
export type FrameHandler = (type: number, buffer: Uint8Array, start: number, end: number) => void;

const HEADER_BYTES = 5;

/** Cuts the backend's bytes into messages. Keeps what is incomplete, and everything while suspended. */
export class FrameReader {
  readonly #onFrame: FrameHandler;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** Bytes that must be there before another look is worth it: a huge message is joined once, not once a chunk. */
  #needed = HEADER_BYTES;
  #suspended = false;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  get suspended(): boolean {
    return this.#suspended;
  }

  /** Keeps the chunk if it must: the caller may not write to it again. */
  push(chunk: Uint8Array): void {
    if (this.#partBytes === 0 && !this.#suspended) return this.#walk(chunk);
    this.#parts.push(chunk);
    this.#partBytes += chunk.length;
    if (!this.#suspended && this.#partBytes >= this.#needed) this.#walk(this.#join());
  }

  /** No message is reported after the present one until `resume`. May be called from the handler. */
  suspend(): void {
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    if (this.#partBytes > 0) this.#walk(this.#join());
  }

  #join(): Uint8Array {
    const parts = this.#parts;
    const joined = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, this.#partBytes);
    this.#parts = [];
    this.#partBytes = 0;
    return joined;
  }

  #walk(buffer: Uint8Array): void {
    const { length } = buffer;
    let at = 0;
    this.#needed = HEADER_BYTES;
    while (!this.#suspended && length - at >= HEADER_BYTES) {
      const size =
        1 +
        (((buffer[at + 1] as number) << 24) |
          ((buffer[at + 2] as number) << 16) |
          ((buffer[at + 3] as number) << 8) |
          (buffer[at + 4] as number));
      if (at + size > length) {
        this.#needed = size;
        break;
      }
      const start = at + HEADER_BYTES;
      at += size;
      this.#onFrame(buffer[start - HEADER_BYTES] as number, buffer, start, at);
    }
    if (at === length) return;
    this.#parts.unshift(buffer.subarray(at));
    this.#partBytes += length - at;
  }
}
