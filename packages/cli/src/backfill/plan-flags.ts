import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RunDraft } from '@brimful/engine';
import { Problem, SCOPE_KEYS_LIMIT } from '@brimful/model';
import type { BackfillSettings } from '../config/load.ts';
import { author } from './author.ts';

/** The words of `brimful backfill plan` and `run`, as they were typed. */
export interface PlanFlags {
  readonly mode?: string;
  readonly binding?: readonly string[];
  readonly time?: string;
  readonly from?: string;
  readonly to?: string;
  readonly zone?: string;
  readonly keyFrom?: string;
  readonly keyTo?: string;
  readonly key?: readonly string[];
  readonly keys?: string;
  readonly keysFile?: string;
  readonly columns?: string;
  readonly reason?: string;
  readonly rate?: string;
  readonly readers?: string;
  readonly window?: readonly string[];
  readonly undo?: string;
  readonly keepMissing?: boolean;
  readonly deleteLimit?: string;
  readonly verify?: string;
  readonly acknowledge?: readonly string[];
  readonly as?: string;
}

const KEYS_FILE_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * What to plan. Only what the words alone can tell is checked here (which of them exclude each other); columns, times and
 * zones are the engine's to check, because only it knows the tables.
 */
export function runDraft(
  task: string,
  flags: PlanFlags,
  settings: BackfillSettings,
  workingDirectory: string,
): RunDraft {
  const mode = flags.mode ?? missing('--mode', 'Which one fits: brimful backfill --help');
  checkWords(mode, flags);
  const rebuilds = mode === 'reset' || mode === 'materialization';
  const undo = flags.undo ?? (rebuilds ? settings.undo : undefined);
  const draft: { -readonly [Name in keyof RunDraft]: RunDraft[Name] } = {
    mode,
    task,
    author: author(flags.as),
    reason:
      flags.reason ?? missing('--reason', 'Say why, in your words: it stands in the history of the run.'),
    bindings: flags.binding,
    acknowledged: flags.acknowledge,
    time: flags.time,
    from: flags.from,
    to: flags.to,
    zone: flags.zone,
    keyFrom: flags.keyFrom,
    keyTo: flags.keyTo,
    keys: wholeKeys(flags, workingDirectory),
    columns: flags.columns === undefined ? undefined : listed(flags.columns),
    rate: flags.rate,
    readers: flags.readers,
    windows: flags.window,
    undo,
    missingRows: flags.keepMissing === true ? 'keep' : undefined,
    deleteLimit: flags.deleteLimit,
    verify: flags.verify,
  };
  return draft;
}

function checkWords(mode: string, flags: PlanFlags): void {
  const given = (name: keyof PlanFlags): boolean => flags[name] !== undefined;
  const times = given('time') || given('from') || given('to');
  const ranges = given('keyFrom') || given('keyTo');
  const keys = given('key') || given('keys') || given('keysFile');
  const bounds = [times && '--time', ranges && '--key-from/--key-to', keys && '--keys'].filter(
    (name) => name !== false,
  );
  if (bounds.length > 1) {
    throw usage(
      `${bounds.join(' and ')} exclude each other.`,
      'Bound a run in one way; plan two runs for two.',
    );
  }
  if (bounds.length > 0 && (mode === 'reset' || mode === 'materialization')) {
    throw usage(
      `${bounds.join()} bounds an incremental run; a ${mode} run is about whole tables.`,
      'Use --mode incremental, or leave the bounds out.',
    );
  }
  if ((given('from') || given('to')) && !given('time')) {
    throw usage('--from and --to bound a column of times: which one?', 'Name it with --time <column>.');
  }
  if (given('time') && !given('from') && !given('to')) {
    throw usage('--time alone bounds nothing.', 'Add --from, --to or both; --to is not included.');
  }
  if (given('keepMissing') && given('deleteLimit')) {
    throw usage(
      '--keep-missing removes nothing, so --delete-limit has no meaning.',
      'Leave one of them out.',
    );
  }
}

/**
 * A `--key`, a line of a file, and with semicolons each part of `--keys` is one key, its columns separated by commas.
 * `--keys 17,18` without semicolons are two keys of one column.
 */
function wholeKeys(
  { key, keys, keysFile }: PlanFlags,
  workingDirectory: string,
): readonly string[] | undefined {
  if (key === undefined && keys === undefined && keysFile === undefined) return undefined;
  const all = [
    ...(key ?? []),
    ...(keys === undefined ? [] : listed(keys, keys.includes(';') ? ';' : ',')),
    ...(keysFile === undefined ? [] : linesOf(resolve(workingDirectory, keysFile), keysFile)),
  ];
  if (all.length === 0)
    throw usage('No keys were given.', 'Give --keys 17,18, or a --keys-file with one key a line.');
  if (all.length <= SCOPE_KEYS_LIMIT) return all;
  const limit = SCOPE_KEYS_LIMIT.toLocaleString('en-US');
  throw usage(
    `${all.length.toLocaleString('en-US')} keys are more than ${limit}.`,
    'Use a range (--key-from, --key-to), or the whole table.',
  );
}

function linesOf(path: string, shown: string): string[] {
  try {
    if (statSync(path).size > KEYS_FILE_LIMIT_BYTES) {
      throw usage(
        `${shown} is larger than 16 MiB.`,
        'Use a range (--key-from, --key-to), or the whole table.',
      );
    }
    return readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw usage(`The file of keys cannot be read: ${reason}.`, 'Name a file with one key a line.');
  }
}

function listed(text: string, separator = ','): string[] {
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function missing(flag: string, remedy: string): never {
  throw usage(`${flag} is missing.`, remedy);
}

export function usage(message: string, remedy: string): Problem {
  return new Problem('BRM-USAGE-OPTION', message, { remedy });
}
