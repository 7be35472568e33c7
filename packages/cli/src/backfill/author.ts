import { userInfo } from 'node:os';

/** Who does this, for the history: as given, or the user of the operating system. */
export function author(given: string | undefined): string {
  if (given !== undefined && given.trim() !== '') return given.trim();
  try {
    return userInfo().username;
  } catch (thrown) {
    // In containers, the user often has a number and no name.
    if (thrown instanceof Error && process.getuid !== undefined) return `user ${process.getuid()}`;
    throw thrown;
  }
}
