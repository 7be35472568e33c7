import { describe, expect, test } from 'vitest';

import { buckets, deadFiles, fileNames, longFiles, modImportedInside } from './files.ts';
import { longFunctions } from './functions.ts';
import { invariantNumbers, uncitedInvariants } from './invariants.ts';
import {
  actualImports,
  builtinModules,
  declaredDependencies,
  engineStages,
  relativeImportsAcrossPackages,
  undeclaredImports,
} from './layers.ts';
import { expectNone } from './violation.ts';
import { readIfPresent, readWorkspace } from './workspace.ts';

const workspace = readWorkspace();

test('the workspace is found', () => {
  expect(workspace.packages.map(({ name }) => name)).toContain('@brimful/model');
  expect(workspace.files.map(({ path }) => path)).toContain('packages/model/src/mod.ts');
});

describe('layers', () => {
  test('packages declare only dependencies on layers below', () =>
    expectNone(declaredDependencies(workspace)));
  test('files import only layers below', () => expectNone(actualImports(workspace)));
  test('every imported package is declared', () => expectNone(undeclaredImports(workspace)));
  test('no path leads into another package', () => expectNone(relativeImportsAcrossPackages(workspace)));
  test('the stages of the engine do not know each other', () => expectNone(engineStages(workspace)));
  test('the model and the engine outside runtime/ use no built-in modules', () =>
    expectNone(builtinModules(workspace)));
});

describe('files', () => {
  test('are short', () => expectNone(longFiles(workspace)));
  test('are named in kebab-case', () => expectNone(fileNames(workspace)));
  test('are named after nouns', () => expectNone(buckets(workspace)));
  test('are used', () => expectNone(deadFiles(workspace)));
  test("do not import their own package's mod.ts", () => expectNone(modImportedInside(workspace)));
});

test('functions are short', () => expectNone(longFunctions(workspace)));

describe('invariants', () => {
  const architecture = readIfPresent('ARCHITECTURE.md');

  test('are cited where they are enforced and tested', ({ skip }) => {
    if (architecture === undefined) return skip('ARCHITECTURE.md is not written yet');
    const numbers = invariantNumbers(architecture);
    expect(numbers, 'ARCHITECTURE.md has a numbered list under "## Invariants"').not.toEqual([]);
    return expectNone(uncitedInvariants(workspace, numbers));
  });

  test('are read from their section only', () => {
    const text =
      '# A\n1. no\n\n## Invariants (cite them)\n1. one\n2. two\n   more\n10. ten\n\n## Next\n3. no\n';
    expect(invariantNumbers(text)).toEqual([1, 2, 10]);
    expect(invariantNumbers('## Invariants\n1. one\n2. two')).toEqual([1, 2]);
  });
});
