import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { Problem } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import { jsonSchema } from '../config/json-schema.ts';
import { emptyConfig, exampleConfig } from '../config/example.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';

export interface InitOptions {
  /** Sources and destinations come later, from the pages say. */
  readonly empty?: boolean;
}

/** Writes a configuration to start from, and the JSON Schema that lets editors complete it. */
export async function init(
  context: CommandContext,
  { empty = false }: InitOptions = {},
): Promise<ExitCodeNumber> {
  const { output } = context;
  const path = resolve(context.workingDirectory, context.configFile);
  const schemaPath = join(dirname(path), `${basename(path).replace(/\.ya?ml$/, '')}.schema.json`);
  const shown = relative(context.workingDirectory, path) || path;
  if (existsSync(path)) {
    throw new Problem('BRM-USAGE-EXISTS', `${shown} exists already: it was left as it is.`, {
      at: { file: shown },
      remedy: 'Edit it, or write another with: brimful init --config <file>',
    });
  }
  const schema = await jsonSchema(context.connectors);
  // The schema is generated, so a newer one may replace it; the configuration is the user's and is written once.
  writeFileSync(schemaPath, `${JSON.stringify(schema, null, 2)}\n`);
  try {
    const text = (empty ? emptyConfig : exampleConfig)(`./${basename(schemaPath)}`);
    writeFileSync(path, text, { flag: 'wx' });
  } catch (cause) {
    throw new Problem('BRM-USAGE-WRITE', `${shown} could not be written: ${String(cause)}`, { cause });
  }
  if (output.json) {
    printJson(output, { config: path, schema: schemaPath });
    return ExitCode.ok;
  }
  print(
    output,
    [
      `Wrote ${shown} and ${relative(context.workingDirectory, schemaPath)} (for completion in your editor).`,
      'Next:',
      ...(empty ? NEXT_IN_THE_BROWSER : NEXT),
    ].join('\n'),
  );
  return ExitCode.ok;
}

const NEXT = [
  '  export SOURCE_DATABASE_URL=postgres://user:password@host:5432/database',
  '  brimful discover   # the tables there',
  '  brimful check      # what is missing before they can be captured, and how to mend it',
  '  brimful up         # copies them and keeps them current',
];

const NEXT_IN_THE_BROWSER = ['  brimful up         # says where its pages are: add a source there'];
