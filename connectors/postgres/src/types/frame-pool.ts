/** A frame is large enough to amortise a write, small enough to reuse while still in the cache. */
const COPY_FRAME_BYTES = 256 * 1024;

/** Buffers that go to the socket and come back. */
export class FramePool {
  readonly bytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(bytes = COPY_FRAME_BYTES) {
    this.bytes = bytes;
  }

  take(atLeast = 0): Uint8Array<ArrayBuffer> {
    if (atLeast > this.bytes) return new Uint8Array(atLeast);
    return this.#free.pop() ?? new Uint8Array(this.bytes);
  }

  /** Gives back a frame (a view of a taken buffer) that the socket has written. Optional: otherwise it is collected. */
  release(frame: Uint8Array): void {
    if (frame.buffer.byteLength === this.bytes && this.#free.length < 16) {
      this.#free.push(new Uint8Array(frame.buffer as ArrayBuffer));
    }
  }
}

const COPY_DATA = 0x64;
/** Kind and length. */
export const FRAME_HEADER_BYTES = 5;

/** Makes CopyData of `bytes[0..end)`, whose payload starts behind room for the header. */
export function sealFrame(bytes: Uint8Array, end: number): Uint8Array {
  const length = end - 1;
  bytes[0] = COPY_DATA;
  bytes[1] = length >>> 24;
  bytes[2] = length >>> 16;
  bytes[3] = length >>> 8;
  bytes[4] = length;
  return bytes.subarray(0, end);
}
