/** Bytes that grow at the end. `used` is the end; reserve before writing there. */
export class ByteSink {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  used: number;

  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256), used = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.used = used;
  }

  reserve(count: number): void {
    const needed = this.used + count;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.used));
    this.replace(larger, this.used);
  }

  /** Goes on in another buffer, of which `used` bytes count. */
  replace(bytes: Uint8Array<ArrayBuffer>, used: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.used = used;
  }

  put(byte: number): void {
    this.reserve(1);
    this.bytes[this.used] = byte;
    this.used += 1;
  }

  /** Characters below 128 only. */
  putAscii(text: string): void {
    this.reserve(text.length);
    for (let index = 0; index < text.length; index += 1)
      this.bytes[this.used + index] = text.charCodeAt(index);
    this.used += text.length;
  }

  putBytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.reserve(length);
    const { bytes, used } = this;
    if (length > LOOP_BYTES) bytes.set(source.subarray(start, end), used);
    else
      for (let index = 0; index < length; index += 1) bytes[used + index] = source[start + index] as number;
    this.used = used + length;
  }
}

/** Above this a native copy beats a loop, though it makes a view. */
const LOOP_BYTES = 128;
