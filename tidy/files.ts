import { basename } from 'node:path';

import type { SourceFile, Workspace } from './workspace.ts';
import type { Violation } from './violation.ts';

const MAX_FILE_LINES = 500;
const BUCKETS = ['utils', 'util', 'common', 'helpers', 'helper', 'types', 'misc', 'shared', 'lib'];
/** Where `types` is a noun: the source system's data types. */
const TYPES_IS_A_NOUN = /^connectors\/[^/]+\/src\/types\//;

export function longFiles(workspace: Workspace): Violation[] {
  return workspace.files
    .filter(({ lines }) => lines > MAX_FILE_LINES)
    .map(({ path, lines }) => ({
      where: path,
      what: `has ${lines} lines; ${MAX_FILE_LINES} is the most.`,
      why: 'A file is one noun. One this long holds several, and nobody reads it as a whole.',
      remedy: 'Move each noun to its own file: the pure decisions first, then the shell is short.',
    }));
}

export function buckets(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) => {
    if (TYPES_IS_A_NOUN.test(file.path)) return [];
    const names = file.path.replace(/\.tsx?$/, '').split('/');
    const bucket = names.find((name) => BUCKETS.includes(name));
    if (bucket === undefined) return [];
    return [
      {
        where: file.path,
        what: `"${bucket}" names no thing.`,
        why: 'A bucket collects whatever has no place, and grows until everything depends on it.',
        remedy: 'Name the file or folder after the noun it holds, next to the code that uses it.',
      },
    ];
  });
}

export function fileNames(workspace: Workspace): Violation[] {
  return workspace.files
    .filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.tsx?$/.test(basename(path)))
    .map(({ path }) => ({
      where: path,
      what: 'is not in kebab-case.',
      why: 'One spelling makes a file findable from the noun, and safe on file systems that ignore case.',
      remedy: 'Rename it: lower case words joined by hyphens.',
    }));
}

/** Nobody imports it, no package.json names it, no script of its package starts it. */
export function deadFiles(workspace: Workspace): Violation[] {
  const imported = new Set(workspace.files.flatMap((file) => file.imports.map(({ path }) => path)));
  return workspace.files
    .filter((file) => file.path.startsWith(`${file.package.folder}/src/`))
    .filter((file) => !isEntry(file) && !imported.has(file.path) && !isNamed(workspace, file))
    .map(({ path }) => ({
      where: path,
      what: 'is imported by nothing.',
      why: 'Dead code is read, kept compiling and trusted, for nothing.',
      remedy: 'Delete it, or import it where it is needed.',
    }));
}

function isEntry({ path, package: owner }: SourceFile): boolean {
  const conventional = [
    `${owner.folder}/src/mod.ts`,
    `${owner.folder}/src/main.ts`,
    `${owner.folder}/src/main.tsx`,
  ];
  return owner.entries.has(path) || conventional.includes(path) || /\.(test|setup)\.ts$/.test(path);
}

/** Scripts that tests run as processes are named in a string instead of imported. */
function isNamed(workspace: Workspace, { path, package: owner }: SourceFile): boolean {
  const name = new RegExp(`['"\`/]${RegExp.escape(basename(path))}['"\`]`);
  const neighbours = workspace.files.filter((file) => file.package === owner && file.path !== path);
  return neighbours.some((file) => name.test(withoutImports(file)));
}

function withoutImports({ text }: SourceFile): string {
  return text.replaceAll(/\bfrom\s+['"][^'"]+['"]/g, '');
}

export function modImportedInside(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) => {
    const mod = `${file.package.folder}/src/mod.ts`;
    const inside = file.imports.filter(
      ({ path, specifier }) => path === mod || specifier === file.package.name,
    );
    return inside.map(({ line }) => ({
      where: `${file.path}:${line}`,
      what: "imports its own package's mod.ts.",
      why: 'mod.ts lists the public names. Imported from inside, it makes everything depend on everything.',
      remedy: 'Import the file that defines the name.',
    }));
  });
}
