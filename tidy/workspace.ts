import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { parseSync } from 'oxc-parser';
import type { ParseResult } from 'oxc-parser';

/** One package of the workspace, as its package.json declares it. */
export interface WorkspacePackage {
  readonly name: string;
  /** Relative to the repository's root, as all paths here. */
  readonly folder: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  /** Files that are reached from outside: `exports` and `bin`. */
  readonly entries: ReadonlySet<string>;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** The file a relative specifier names; `undefined` for packages and built-in modules. */
  readonly path: string | undefined;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly package: WorkspacePackage;
  /** Tests, and what exists only for them: suites, doubles and scripts in a folder named `testing`. */
  readonly isTest: boolean;
  readonly program: ParseResult['program'];
  readonly imports: readonly Import[];
}

export interface Workspace {
  readonly packages: readonly WorkspacePackage[];
  readonly files: readonly SourceFile[];
  readonly rootDevDependencies: ReadonlySet<string>;
}

const REPOSITORY = resolve(import.meta.dirname, '..');

interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export function readWorkspace(directory = REPOSITORY): Workspace {
  const root = readManifest(directory, 'package.json');
  const folders = globSync(
    (root.workspaces ?? []).map((pattern) => `${pattern}/package.json`),
    { cwd: directory },
  );
  const packages = folders.map((path) => readPackage(directory, dirname(path))).toSorted(byFolder);
  const files = packages.flatMap((owner) =>
    sourcePaths(directory, owner).map((path) => readSource(directory, path, owner)),
  );
  return { packages, files, rootDevDependencies: new Set(Object.keys(root.devDependencies ?? {})) };
}

function byFolder(left: WorkspacePackage, right: WorkspacePackage): number {
  return left.folder < right.folder ? -1 : 1;
}

function readManifest(directory: string, path: string): Manifest {
  return JSON.parse(readFileSync(join(directory, path), 'utf8')) as Manifest;
}

function readPackage(directory: string, folder: string): WorkspacePackage {
  const manifest = readManifest(directory, join(folder, 'package.json'));
  const entries = [...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})];
  return {
    name: manifest.name,
    folder,
    dependencies: new Set(Object.keys(manifest.dependencies ?? {})),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
    entries: new Set(entries.map((entry) => join(folder, entry))),
  };
}

function sourcePaths(directory: string, owner: WorkspacePackage): string[] {
  return globSync(`${owner.folder}/**/*.{ts,tsx}`, {
    cwd: directory,
    exclude: ['**/node_modules/**', '**/dist/**'],
  }).toSorted();
}

function readSource(directory: string, path: string, owner: WorkspacePackage): SourceFile {
  const text = readFileSync(join(directory, path), 'utf8');
  const { program, module, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} cannot be parsed: ${error.message}`);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest ?? [])),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
      const literal = /^['"`]([^'"`$]+)['"`]$/.exec(text.slice(start, end));
      return literal === null ? [] : [{ value: literal[1] ?? '', start }];
    }),
  ];
  return {
    path,
    text,
    lines: text.split('\n').length - 1,
    package: owner,
    isTest: /\.test\.ts$|\.setup\.ts$|\/testing\//.test(path),
    program,
    imports: specifiers.map(({ value, start }) => ({
      specifier: value,
      line: lineAt(text, start),
      path: value.startsWith('.') ? join(dirname(path), value) : undefined,
    })),
  };
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** `@scope/name` of `@scope/name/sub/path`, and likewise without a scope. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

export function readIfPresent(path: string): string | undefined {
  return existsSync(join(REPOSITORY, path)) ? readFileSync(join(REPOSITORY, path), 'utf8') : undefined;
}
