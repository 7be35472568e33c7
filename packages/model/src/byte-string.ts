/** Longest run of bytes that is safe as arguments of one call. */
const ARGUMENTS = 4096;

/**
 * Bytes as a string with one character (U+0000 to U+00FF) a byte: different bytes give different strings, and strings
 * compare as their bytes do. Not for people to read.
 */
export function byteString(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= ARGUMENTS) {
    return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
  }
  let text = '';
  for (let at = start; at < end; at += ARGUMENTS)
    text += byteString(bytes, at, Math.min(at + ARGUMENTS, end));
  return text;
}
