import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SecretCalls } from '@brimful/control';
import { ControlClient } from '@brimful/control';
import { Problem } from '@brimful/model';
import { author } from '../backfill/author.ts';
import { storeOrPipe } from '../backfill/desk.ts';
import type { CommandContext } from '../command-context.ts';
import { dataDirectoryOf } from '../config/stored-secrets.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { SecretBook } from '../secrets/secret-book.ts';
import { grid } from '../terminal/grid.ts';
import { formatMoment } from '../terminal/page.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

/** Keeps a secret. `read` gives its value: never an argument, which other users of the machine could see. */
export async function setSecret(
  context: CommandContext,
  name: string,
  read: () => Promise<string>,
): Promise<ExitCodeNumber> {
  if (!NAME.test(name)) {
    throw new Problem('BRM-USAGE-SECRET', `${JSON.stringify(name)} is no name for a secret.`, {
      remedy: 'Use letters, digits and underscores, as in ${NAME}.',
    });
  }
  const value = await read();
  if (value === '') throw new Problem('BRM-USAGE-SECRET', 'There was no value: nothing was kept.');
  return atSecrets(context, async (secrets, isRunning) => {
    const kept = await secrets.put(name, value, author(undefined));
    const when = isRunning ? ' What runs takes it up with its next start.' : '';
    if (context.output.json) printJson(context.output, kept);
    else print(context.output, `\${${name}} is kept, encrypted.${when}`);
    return ExitCode.ok;
  });
}

/** Names and when; never values. */
export async function listSecrets(context: CommandContext): Promise<ExitCodeNumber> {
  return atSecrets(context, async (secrets) => {
    const all = await secrets.list();
    const { output } = context;
    const rows = all.map(({ name, at, who }) => [name, formatMoment(at), who]);
    if (output.json) printJson(output, all);
    else print(output, all.length === 0 ? 'There is none.' : grid(['name', 'kept at', 'by'], rows, []));
    return ExitCode.ok;
  });
}

export async function removeSecret(context: CommandContext, name: string): Promise<ExitCodeNumber> {
  return atSecrets(context, async (secrets) => {
    await secrets.remove(name);
    if (!context.output.json) print(context.output, `\${${name}} is forgotten.`);
    return ExitCode.ok;
  });
}

/** The file need not be valid: a secret may be just what it lacks. */
async function atSecrets(
  { environment, workingDirectory, configFile }: CommandContext,
  work: (secrets: SecretCalls, isRunning: boolean) => Promise<ExitCodeNumber>,
): Promise<ExitCodeNumber> {
  const path = resolve(workingDirectory, configFile);
  const dataDirectory = dataDirectoryOf(textOf(path), path, environment);
  const pipe = await ControlClient.find(dataDirectory);
  if (pipe !== undefined) return work(pipe.secrets, true);
  mkdirSync(dataDirectory, { recursive: true });
  const held = await storeOrPipe(dataDirectory);
  if (held instanceof ControlClient) return work(held.secrets, true);
  await using store = held;
  const { registry } = store;
  return await work(new SecretBook({ registry, dataDirectory, environment, now: Date.now }), false);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('BRM-CONFIG-MISSING', `The configuration file ${path} cannot be read.`, {
      remedy: 'Write one with `brimful init`, or name yours with --config <file>.',
      at: { file: path },
      cause,
    });
  }
}
