import { Problem } from '@brimful/model';
import type { Output } from '../output.ts';

/** Asks a yes-or-no question; no is the default. Throws `BRM-USAGE-CONFIRM` where there is nobody to ask. */
export type Ask = (question: string) => Promise<boolean>;

export function askOn(output: Output, remedy: string): Ask {
  return async (question) => {
    if (!output.interactive || !process.stdin.isTTY) {
      throw new Problem(
        'BRM-USAGE-CONFIRM',
        'This has to be confirmed, and there is no terminal to ask in.',
        { remedy },
      );
    }
    const { confirm, isCancel } = await import('@clack/prompts');
    const answer = await confirm({ message: question, initialValue: false });
    return !isCancel(answer) && answer;
  };
}
