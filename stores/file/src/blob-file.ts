import { type FileHandle, open, unlink } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { BLOB_IO_BYTES, CHECKSUM_SLICE_BYTES, JOIN_PARTS_BELOW_BYTES, JOINED_PARTS_BYTES } from './limits.ts';

/**
 * A blob's file: its bytes, then a trailer. The trailer comes last, so that a file cut short anywhere has none,
 * and the bytes before it are as they were put: a tool that stops where its format ends can read the file.
 *
 * Trailer: checksum of the bytes (u32) · their number (u64) · `BRMF`, all little-endian.
 */
export const BLOB_TRAILER_BYTES = 16;
const MAGIC = 0x464d5242;

/** Writes a new file; its bytes and, by `syncName`, its name are durable on return. Leaves nothing behind on failure. */
export async function writeBlobFile(
  path: string,
  parts: readonly Uint8Array[],
  syncName: () => Promise<void>,
): Promise<number> {
  // Exclusive: a name is written once.
  const handle = await open(path, 'wx', 0o600);
  try {
    const bytes = await writeAll(handle, parts);
    // Together: journaling file systems then make both durable in one go.
    await Promise.all([handle.datasync(), syncName()]);
    return bytes;
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<number> {
  let bytes = 0;
  let checksum = 0;
  for (const part of joinSmall(parts)) {
    checksum = await checksumOf(part, checksum);
    await writeFully(handle, part, bytes);
    bytes += part.byteLength;
  }
  await writeFully(handle, encodeTrailer(checksum, bytes), bytes);
  return bytes;
}

async function writeFully(handle: FileHandle, part: Uint8Array, position: number): Promise<void> {
  // A disk that fills up first writes less than asked, and fails on the next call.
  for (let done = 0; done < part.byteLength;) {
    const length = Math.min(part.byteLength - done, BLOB_IO_BYTES);
    done += (await handle.write(part, done, length, position + done)).bytesWritten;
  }
}

/** Joins runs of small parts; large ones pass through uncopied. */
function* joinSmall(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let run: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    const large = part.byteLength >= JOIN_PARTS_BELOW_BYTES;
    if (run.length > 0 && (large || bytes + part.byteLength > JOINED_PARTS_BYTES)) {
      yield run.length === 1 ? (run[0] as Uint8Array) : Buffer.concat(run, bytes);
      run = [];
      bytes = 0;
    }
    if (large) {
      yield part;
    } else {
      run.push(part);
      bytes += part.byteLength;
    }
  }
  if (run.length > 0) yield run.length === 1 ? (run[0] as Uint8Array) : Buffer.concat(run, bytes);
}

/** The blob's bytes, or in plain words what is wrong with the file. */
export async function readBlobFile(path: string): Promise<Uint8Array | string> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'its file is missing';
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size < BLOB_TRAILER_BYTES) return `its file is cut short at ${size} bytes`;
    // Memory of its own at offset 0, so that typed arrays can be laid over it; not zeroed, for it is filled.
    const file = Buffer.allocUnsafeSlow(size);
    if (!(await readFully(handle, file))) return 'its file became shorter while being read';
    const bytes = new Uint8Array(file.buffer, 0, size - BLOB_TRAILER_BYTES);
    const { checksum, length, magic } = decodeTrailer(file.subarray(size - BLOB_TRAILER_BYTES));
    if (magic !== MAGIC || length !== BigInt(bytes.byteLength))
      return `its file is torn: ${size} bytes without a valid end`;
    return (await checksumOf(bytes, 0)) === checksum ? bytes : 'its checksum fails';
  } finally {
    await handle.close();
  }
}

async function readFully(handle: FileHandle, into: Uint8Array): Promise<boolean> {
  for (let done = 0; done < into.byteLength;) {
    const { bytesRead } = await handle.read(
      into,
      done,
      Math.min(into.byteLength - done, BLOB_IO_BYTES),
      done,
    );
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

async function checksumOf(bytes: Uint8Array, start: number): Promise<number> {
  let checksum = start;
  for (let at = 0; at < bytes.byteLength; at += CHECKSUM_SLICE_BYTES) {
    if (at > 0) await nextTurn();
    checksum = crc32(bytes.subarray(at, at + CHECKSUM_SLICE_BYTES), checksum);
  }
  return checksum;
}

function encodeTrailer(checksum: number, length: number): Uint8Array {
  const trailer = new DataView(new ArrayBuffer(BLOB_TRAILER_BYTES));
  trailer.setUint32(0, checksum, true);
  trailer.setBigUint64(4, BigInt(length), true);
  trailer.setUint32(12, MAGIC, true);
  return new Uint8Array(trailer.buffer);
}

function decodeTrailer(bytes: Uint8Array): { checksum: number; length: bigint; magic: number } {
  const trailer = new DataView(bytes.buffer, bytes.byteOffset, BLOB_TRAILER_BYTES);
  return {
    checksum: trailer.getUint32(0, true),
    length: trailer.getBigUint64(4, true),
    magic: trailer.getUint32(12, true),
  };
}
