import { text } from 'node:stream/consumers';
import { isCancel, password } from '@clack/prompts';

/** From a terminal unseen; from a pipe all there is, without the line break that ends it. Empty: nobody gave one. */
export async function readSecret(name: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, '');
  const answer = await password({ message: `Value of ${name}` });
  return isCancel(answer) ? '' : answer;
}
