import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Compression } from '../context.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * Output comes in pieces of a chosen size, and each costs a turn of the event loop and a copy in the end: with Node's 16 KB
 * a segment would be a thousand turns. Guessed well, it is one piece.
 */
const LEAST_CHUNK_BYTES = 64 * 1024;
const LARGEST_CHUNK_BYTES = 8 * 1024 * 1024;
/** Arrow pads buffers and adds its metadata to what the batch itself counts. */
const SEGMENT_OVERHEAD = 1.1;

/** Level 1: a third of the size at a speed no source outruns. Runs on libuv's threads, beside decoding and encoding. */
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 };

/**
 * Memory in which parts are joined, used again and again: fresh memory of such sizes costs more than the joining, by its
 * pages and by the collections that it brings on.
 */
const JOINED_KEPT_BYTES = 8 * 1024 * 1024;
const JOINED_KEPT = 4;
const kept: Uint8Array[] = [];

async function joinedAndCompressed(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const place = kept.findIndex((memory) => memory.byteLength >= length);
  const [memory = new Uint8Array(length + (length >> 3))] = place < 0 ? [] : kept.splice(place, 1);
  let at = 0;
  for (const part of parts) {
    memory.set(part, at);
    at += part.byteLength;
  }
  try {
    return await compressed(memory.subarray(0, length));
  } finally {
    if (memory.byteLength <= JOINED_KEPT_BYTES) keep(memory);
  }
}

/** Smallest first, so that each takes the smallest that will do; of too many the smallest goes. */
function keep(memory: Uint8Array): void {
  kept.push(memory);
  kept.sort((a, b) => a.byteLength - b.byteLength);
  if (kept.length > JOINED_KEPT) kept.shift();
}

function compressed(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes, { chunkSize: chunkSize(bytes.length / 2), params: LEVEL });
}

export const zstd: Compression = {
  compress: (parts) => (parts.length === 1 ? compressed(parts[0] as Uint8Array) : joinedAndCompressed(parts)),
  decompress: (bytes, expectedBytes) =>
    decompress(bytes, { chunkSize: chunkSize(expectedBytes * SEGMENT_OVERHEAD) }),
};

function chunkSize(expectedBytes: number): number {
  return Math.min(LARGEST_CHUNK_BYTES, Math.ceil(expectedBytes) + LEAST_CHUNK_BYTES);
}
