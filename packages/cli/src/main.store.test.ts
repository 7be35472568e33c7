import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-main-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function brimful(...words: readonly string[]): Promise<Ended> {
  return brimfulIn({}, ...words);
}

function brimfulIn(
  environment: Readonly<Record<string, string>>,
  ...words: readonly string[]
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('exit codes, as `brimful --help` promises them', () => {
  test('--help and --version are 0; every command has help with examples', async () => {
    const help = await brimful('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Exit codes:');
    for (const command of [
      'init',
      'discover',
      'check',
      'up',
      'down',
      'status',
      'preview',
      'query',
      'verify',
    ]) {
      expect(help.stdout).toContain(`  ${command}`);
      const own = await brimful(command, '--help');
      expect(own).toMatchObject({ code: 0, stderr: '' });
      expect(own.stdout).toContain('Examples:\n  brimful ');
    }
    expect(await brimful('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+/) });
  });

  test('backfill says which mode fits, and each of its commands has help with examples', async () => {
    const help = await brimful('backfill', '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('If I want to …');
    for (const command of ['plan', 'run', 'apply', 'show', 'skip', 'undo']) {
      expect(help.stdout).toContain(`  ${command}`);
      const own = await brimful('backfill', command, '--help');
      expect(own).toMatchObject({ code: 0, stderr: '' });
      expect(own.stdout).toContain(`Examples:\n  brimful backfill ${command} `);
    }
    expect(await brimful('backfill', 'plna')).toMatchObject({ code: 2 });
    const mode = await brimful('backfill', 'plan', 'shop/pg', '--mode', 'rest');
    expect(mode).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices are reset') });
  });

  test('--help answers without loading what it does not need', async () => {
    const watch = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(specifier, context, next) {
        if (/^(@brimful\\/(engine|store-file|connector-.*)|yaml|zod|pino)$/.test(specifier)) process.stderr.write(specifier + ' ');
        return next(specifier, context);
      } });`;
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
    expect((await brimfulIn(environment, '--help')).stderr).toBe('');
    expect((await brimfulIn(environment, 'check')).stderr).toContain('yaml');
  });

  test('a mistyped command, argument or option is 2, with a suggestion', async () => {
    const mistyped = await brimful('chekc');
    expect(mistyped).toMatchObject({ code: 2, stdout: '' });
    expect(mistyped.stderr).toContain('Did you mean check?');
    expect(await brimful('query')).toMatchObject({ code: 2 });
    const json = await brimful('chekc', '--json');
    expect(json).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(json.stderr)).toMatchObject({ errors: [{ code: 'BRM-USAGE' }] });
    expect(await brimful('preview', 'x', '--limit', '0')).toMatchObject({ code: 2 });
  });

  test('no configuration is 2 and says how to get one', async () => {
    const ended = await brimful('up', '--config', 'nowhere.yaml');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toBe(
      `error: There is no configuration file nowhere.yaml.\n` +
        `  at ${join(directory, 'nowhere.yaml')}\n` +
        '  Write one with `brimful init`, or name yours with --config <file>.\n' +
        '  BRM-CONFIG-MISSING\n',
    );
  });

  test('a wrong configuration is 2 with every mistake; --json makes them data', async () => {
    writeFileSync(
      join(directory, 'wrong.yaml'),
      'captures:\n  a: { connector: nul, config: {} }\n  b: { connector: null, config: {} }\n',
    );
    const ended = await brimful('check', '--config', 'wrong.yaml');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('at wrong.yaml:2:19\n  Did you mean "null"?');
    const json = await brimful('check', '--config', 'wrong.yaml', '--json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stderr)).toMatchObject({
      errors: [{ code: 'BRM-CONFIG-CONNECTOR', at: { file: 'wrong.yaml', line: 2, column: 19 } }, {}],
    });
  });

  test('the status of what never ran is 1', async () => {
    writeFileSync(
      join(directory, 'null.yaml'),
      'captures: {}\nmaterializations:\n  w: { connector: "null", config: {}, bindings: [] }\n',
    );
    const ended = await brimful('status', '--config', 'null.yaml');
    expect(ended.code).toBe(2);
    writeFileSync(join(directory, 'none.yaml'), 'captures: {}\n');
    expect(await brimful('status', '--config', 'none.yaml')).toMatchObject({ code: 1 });
  });
});
