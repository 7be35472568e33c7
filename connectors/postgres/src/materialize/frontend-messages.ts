/** A parameter of a statement: text, or bytes in the type's binary format, or null. */
export type Parameter = string | Uint8Array | null;

const PARSE = 0x50;
const BIND = 0x42;
const EXECUTE = 0x45;
const CLOSE = 0x43;
const SYNC = 0x53;
const COPY_DONE = 0x63;
const COPY_FAIL = 0x66;

const INITIAL_BYTES = 16 * 1024;

/** Gathers frontend messages of the extended protocol, so that many leave in one write. */
export class FrontendMessages {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #used = 0;
  #start = 0;

  get bytes(): number {
    return this.#used;
  }

  parse(name: string, text: string): void {
    this.#begin(PARSE);
    this.#cstring(name);
    this.#cstring(text);
    this.#int16(0);
    this.#end();
  }

  /** Results come as text. */
  bind(name: string, parameters: readonly Parameter[]): void {
    this.#begin(BIND);
    this.#cstring('');
    this.#cstring(name);
    this.#int16(parameters.length);
    for (const parameter of parameters) this.#int16(parameter instanceof Uint8Array ? 1 : 0);
    this.#int16(parameters.length);
    for (const parameter of parameters) this.#parameter(parameter);
    this.#int16(0);
    this.#end();
  }

  execute(): void {
    this.#begin(EXECUTE);
    this.#cstring('');
    this.#int32(0);
    this.#end();
  }

  closeStatement(name: string): void {
    this.#begin(CLOSE);
    this.#reserve(1);
    this.#buffer[this.#used++] = 0x53;
    this.#cstring(name);
    this.#end();
  }

  copyDone(): void {
    this.#begin(COPY_DONE);
    this.#end();
  }

  copyFail(reason: string): void {
    this.#begin(COPY_FAIL);
    this.#cstring(reason);
    this.#end();
  }

  sync(): void {
    this.#begin(SYNC);
    this.#end();
  }

  /** What was gathered. The writer starts afresh: the bytes may be handed to a socket. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#used);
    const rest = this.#buffer.length - this.#used;
    this.#buffer =
      rest > INITIAL_BYTES / 2 ? this.#buffer.subarray(this.#used) : Buffer.allocUnsafe(INITIAL_BYTES);
    this.#used = 0;
    return bytes;
  }

  #begin(code: number): void {
    this.#reserve(5);
    this.#buffer[this.#used] = code;
    this.#start = this.#used + 1;
    this.#used += 5;
  }

  #end(): void {
    this.#buffer.writeInt32BE(this.#used - this.#start, this.#start);
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#buffer.writeUInt16BE(value, this.#used);
    this.#used += 2;
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#buffer.writeInt32BE(value, this.#used);
    this.#used += 4;
  }

  #cstring(text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length + 1);
    this.#buffer.write(text, this.#used, length, 'utf8');
    this.#used += length;
    this.#buffer[this.#used++] = 0;
  }

  #parameter(parameter: Parameter): void {
    if (parameter === null) {
      this.#int32(-1);
    } else if (typeof parameter === 'string') {
      const length = Buffer.byteLength(parameter);
      this.#int32(length);
      this.#reserve(length);
      this.#buffer.write(parameter, this.#used, length, 'utf8');
      this.#used += length;
    } else {
      this.#int32(parameter.length);
      this.#reserve(parameter.length);
      this.#buffer.set(parameter, this.#used);
      this.#used += parameter.length;
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}
