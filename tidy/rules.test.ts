import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { buckets, deadFiles, fileNames, longFiles, modImportedInside } from './files.ts';
import { longFunctions } from './functions.ts';
import { uncitedInvariants } from './invariants.ts';
import {
  actualImports,
  builtinModules,
  declaredDependencies,
  engineStages,
  relativeImportsAcrossPackages,
  undeclaredImports,
} from './layers.ts';
import type { Violation } from './violation.ts';
import { readWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

// A rule that reads nothing passes everything. Here is a small repository that breaks each rule once.

const FILES: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: 'root',
    workspaces: ['packages/*'],
    devDependencies: { vitest: '5' },
  }),
  'packages/model/package.json': JSON.stringify({
    name: '@brimful/model',
    exports: { '.': './src/mod.ts' },
    dependencies: { '@brimful/store': '0.1.0' },
  }),
  'packages/model/src/mod.ts': "export * from './Key.ts';\nexport * from './utils/text.ts';",
  'packages/model/src/Key.ts': "import { readFileSync } from 'node:fs';\nexport const key = readFileSync;",
  'packages/model/src/utils/text.ts': "import '../mod.ts';",
  'packages/model/src/unused.ts': 'export {};',
  'packages/model/src/key.test.ts':
    "import 'vitest';\nimport 'fast-check';\nimport './Key.ts'; // Invariant 1",
  'packages/store/package.json': JSON.stringify({ name: '@brimful/store', exports: { '.': './src/mod.ts' } }),
  'packages/store/src/mod.ts': `${'\n'.repeat(500)}export * from '@brimful/engine';`,
  'packages/engine/package.json': JSON.stringify({
    name: '@brimful/engine',
    exports: { '.': './src/mod.ts' },
  }),
  'packages/engine/src/mod.ts':
    "import './capture/read.ts';\nimport './runtime/run.ts'; // Invariant 1\n// Invariant 12",
  'packages/engine/src/capture/read.ts': "await import('../materialization/write.ts');",
  'packages/engine/src/materialization/write.ts': `export function write(): void {${'\n'.repeat(70)}}`,
  'packages/engine/src/runtime/run.ts':
    "import 'node:fs';\nimport '../../../store/src/mod.ts';\nrun('./script.ts');",
  'packages/engine/src/runtime/script.ts': 'export {};',
  'packages/other/package.json': JSON.stringify({ name: '@brimful/other' }),
};

let directory = '';
let workspace: Workspace;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-tidy-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    writeFileSync(join(directory, path), `${text}\n`);
  }
  workspace = readWorkspace(directory);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const places = (violations: readonly Violation[]): string[] => violations.map(({ where }) => where);

test('each layer rule finds the file that breaks it', () => {
  expect(places(declaredDependencies(workspace))).toEqual([
    'packages/model/package.json',
    'packages/other/package.json',
  ]);
  expect(places(actualImports(workspace))).toEqual(['packages/store/src/mod.ts:501']);
  expect(places(undeclaredImports(workspace))).toEqual([
    'packages/model/src/key.test.ts:2',
    'packages/store/src/mod.ts:501',
  ]);
  expect(places(relativeImportsAcrossPackages(workspace))).toEqual(['packages/engine/src/runtime/run.ts:2']);
  expect(places(engineStages(workspace))).toEqual(['packages/engine/src/capture/read.ts:1']);
  expect(places(builtinModules(workspace))).toEqual(['packages/model/src/Key.ts:1']);
});

test('each file rule finds the file that breaks it', () => {
  expect(places(longFiles(workspace))).toEqual(['packages/store/src/mod.ts']);
  expect(places(fileNames(workspace))).toEqual(['packages/model/src/Key.ts']);
  expect(places(buckets(workspace))).toEqual(['packages/model/src/utils/text.ts']);
  expect(places(deadFiles(workspace))).toEqual(['packages/model/src/unused.ts']);
  expect(places(modImportedInside(workspace))).toEqual(['packages/model/src/utils/text.ts:1']);
  expect(places(longFunctions(workspace))).toEqual([
    'packages/engine/src/materialization/write.ts:1 (write)',
  ]);
});

test('an invariant needs both code and a test that cite it', () => {
  const told = uncitedInvariants(workspace, [1, 2, 12]).map(({ where, what }) => `${where}: ${what}`);
  expect(told).toEqual([
    expect.stringMatching(/invariant 2: code that enforces it/),
    expect.stringMatching(/invariant 2: a test of it/),
    expect.stringMatching(/invariant 12: a test of it/),
  ]);
});
