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

export const zstd: Compression = {
  compress: (bytes) => compress(bytes, { chunkSize: chunkSize(bytes.length / 2), params: LEVEL }),
  decompress: (bytes, expectedBytes) =>
    decompress(bytes, { chunkSize: chunkSize(expectedBytes * SEGMENT_OVERHEAD) }),
};

function chunkSize(expectedBytes: number): number {
  return Math.min(LARGEST_CHUNK_BYTES, Math.ceil(expectedBytes) + LEAST_CHUNK_BYTES);
}
