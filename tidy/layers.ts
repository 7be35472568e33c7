import { isBuiltin } from 'node:module';

import { packageOf } from './workspace.ts';
import type { Import, SourceFile, Workspace, WorkspacePackage } from './workspace.ts';
import type { Violation } from './violation.ts';

/** Which of our packages a folder may import; `everything` marks the places where the parts are put together. */
const LAYERS: readonly { readonly folder: string; readonly mayImport: readonly string[] | 'everything' }[] = [
  { folder: 'packages/model', mayImport: [] },
  { folder: 'packages/connector', mayImport: ['@brimful/model'] },
  { folder: 'packages/store', mayImport: ['@brimful/model'] },
  { folder: 'packages/engine', mayImport: ['@brimful/model', '@brimful/connector', '@brimful/store'] },
  { folder: 'packages/api', mayImport: ['@brimful/model'] },
  {
    folder: 'packages/control',
    mayImport: ['@brimful/model', '@brimful/connector', '@brimful/store', '@brimful/engine', '@brimful/api'],
  },
  { folder: 'packages/web', mayImport: ['@brimful/model', '@brimful/api'] },
  { folder: 'packages/testbed', mayImport: [] },
  { folder: 'packages/cli', mayImport: 'everything' },
  { folder: 'connectors/*', mayImport: ['@brimful/model', '@brimful/connector'] },
  { folder: 'stores/*', mayImport: ['@brimful/model', '@brimful/store'] },
  { folder: 'demo', mayImport: 'everything' },
  { folder: 'benchmarks', mayImport: 'everything' },
  { folder: 'acceptance', mayImport: 'everything' },
];

/** The engine's stages talk through collections; none may know another. */
const SEPARATE_STAGES = ['capture', 'derivation', 'materialization'];
const ENGINE_SOURCE = 'packages/engine/src';
const MODEL_FOLDER = 'packages/model';

const DOWNWARD =
  'Imports point down only (ARCHITECTURE.md, layers), so that a layer can be read, tested and replaced alone.';

export function declaredDependencies(workspace: Workspace): Violation[] {
  return workspace.packages.flatMap((owner) => {
    const where = `${owner.folder}/package.json`;
    const allowed = allowedImports(owner);
    if (allowed === undefined) return [unknownFolder(where)];
    const wrong = [...owner.dependencies].filter(
      (name) => isOurs(workspace, name) && !isAllowed(allowed, name),
    );
    const outside = owner.folder === MODEL_FOLDER ? [...owner.dependencies] : [];
    return [...new Set([...wrong, ...outside])].map((name) => ({
      where,
      what: `${owner.name} declares a dependency on ${name}.`,
      why: DOWNWARD,
      remedy: `Move the code that needs ${name} to a layer above, or pass in what it needs as an argument.`,
    }));
  });
}

export function actualImports(workspace: Workspace): Violation[] {
  const sources = workspace.files.filter((file) => !file.isTest);
  return sources.flatMap((file) => {
    const allowed = allowedImports(file.package) ?? [];
    return file.imports.flatMap((found): Violation[] => {
      const name = packageOf(found.specifier);
      if (found.path !== undefined || !isOurs(workspace, name) || isAllowed(allowed, name)) return [];
      const what = `imports ${found.specifier}.`;
      const remedy = `Move this code to a layer above, or pass in what it needs as an argument.`;
      return [{ where: at(file, found), what, why: DOWNWARD, remedy }];
    });
  });
}

export function undeclaredImports(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) =>
    file.imports.flatMap((found): Violation[] => {
      if (found.path !== undefined || isBuiltin(found.specifier)) return [];
      const name = packageOf(found.specifier);
      const { dependencies, devDependencies } = file.package;
      const testOnly = devDependencies.has(name) || workspace.rootDevDependencies.has(name);
      if (dependencies.has(name) || (mayUseTools(file) && testOnly)) return [];
      return [
        {
          where: at(file, found),
          what: `imports ${name}, which ${file.package.folder}/package.json does not declare.`,
          why: 'It works here only because another package happens to install it, and breaks once published.',
          remedy: `Add ${name} to "${file.isTest ? 'devDependencies' : 'dependencies'}" there and run npm install.`,
        },
      ];
    }),
  );
}

/** Tests, and what tells a tool how to build. */
function mayUseTools(file: SourceFile): boolean {
  return file.isTest || file.path.endsWith('.config.ts');
}

export function relativeImportsAcrossPackages(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) =>
    file.imports
      .filter(({ path }) => path !== undefined && !path.startsWith(`${file.package.folder}/`))
      .map((found) => ({
        where: at(file, found),
        what: `reaches into another package by the path ${found.specifier}.`,
        why: 'What a package does not export is its own business; a path goes around its exports.',
        remedy: 'Import the package by its name, and export what is missing from its mod.ts.',
      })),
  );
}

export function engineStages(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) => {
    const stage = stageOf(file.path);
    if (stage === undefined || file.isTest) return [];
    return file.imports.flatMap((found): Violation[] => {
      const other = stageOf(found.path ?? '');
      if (other === undefined || other === stage) return [];
      return [
        {
          where: at(file, found),
          what: `${stage}/ imports ${other}/.`,
          why: 'Stages meet only in collections; a stage that knows another cannot run, fail or be rebuilt alone.',
          remedy: 'Move what both need down into collection/ or the model, or join them in runtime/.',
        },
      ];
    });
  });
}

export function builtinModules(workspace: Workspace): Violation[] {
  return workspace.files.flatMap((file) => {
    if (!mustBePure(file)) return [];
    return file.imports
      .filter(({ specifier }) => isBuiltin(specifier))
      .map((found) => ({
        where: at(file, found),
        what: `imports ${found.specifier}.`,
        why: 'The model and everything in the engine but runtime/ is pure, so that tests can run it on any schedule.',
        remedy:
          'Take time, randomness, files and sockets as arguments; the shell in engine/src/runtime provides them.',
      }));
  });
}

function mustBePure(file: SourceFile): boolean {
  if (file.isTest) return false;
  if (file.package.folder === MODEL_FOLDER) return true;
  return file.path.startsWith(`${ENGINE_SOURCE}/`) && !file.path.startsWith(`${ENGINE_SOURCE}/runtime/`);
}

function stageOf(path: string): string | undefined {
  return SEPARATE_STAGES.find((stage) => path.startsWith(`${ENGINE_SOURCE}/${stage}/`));
}

function allowedImports(owner: WorkspacePackage): readonly string[] | 'everything' | undefined {
  return LAYERS.find(
    ({ folder }) => folder === owner.folder || folder === owner.folder.replace(/[^/]+$/, '*'),
  )?.mayImport;
}

function isAllowed(allowed: readonly string[] | 'everything', name: string): boolean {
  return allowed === 'everything' || allowed.includes(name);
}

function isOurs(workspace: Workspace, name: string): boolean {
  return workspace.packages.some((candidate) => candidate.name === name);
}

function at(file: SourceFile, found: Import): string {
  return `${file.path}:${found.line}`;
}

function unknownFolder(where: string): Violation {
  return {
    where,
    what: 'this package is in no layer.',
    why: DOWNWARD,
    remedy:
      'Add its folder to the layer table in ARCHITECTURE.md and to tidy/layers.ts, with what it may import.',
  };
}
