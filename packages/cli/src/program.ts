import type { CommanderError } from 'commander';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { InitOptions } from './commands/init.ts';
import type { ExitCodeNumber } from './exit-code.ts';
import { ExitCode } from './exit-code.ts';
import { addCatalogCommands } from './catalog-words.ts';
import { addBackfillCommands } from './backfill-words.ts';
import type { Perform } from './perform.ts';
import { examples, performer } from './perform.ts';
import { addSecretCommands } from './secret-words.ts';
import { wholeNumber } from './whole-number.ts';

/** The command line ended in help, a version or a mistake: everything has been said. */
export class UsageStop extends Error {
  readonly exitCode: ExitCodeNumber;

  constructor(exitCode: ExitCodeNumber) {
    super('usage');
    this.exitCode = exitCode;
  }
}

const EXIT_CODES = `
Exit codes:
  0    all is well
  1    something is wrong that somebody must mend (also: check found errors)
  2    the command line or the configuration file is wrong; nothing was started
  3    something cannot be reached at the moment; trying again later may be enough
  4    a defect in Brimful
  5    refused: a guard blocks a plan or wants to be acknowledged, or things are not as it saw them
  6    verify: not everything is equal, or not all of it could be compared
  7    a run that was watched failed, expired or was cancelled
  8    plan: the file has changes that were not applied yet
  130  stopped at once by a second interrupt; or watching was interrupted
`;

const OVERVIEW = `
Examples:
  brimful init                       write a brimful.yaml to start from
  brimful check                      what is missing on the source, and the SQL that mends it
  brimful up                         copy everything and keep it current
  brimful query app/warehouse "SELECT count(*) FROM orders"
  brimful plan                       what a change of the file would do; then: brimful apply
  brimful backfill --help            read tables again: which way fits
${EXIT_CODES}`;

/** The command line. `onExit` is told what the command ends with. */
export function program(version: string, onExit: (code: ExitCodeNumber) => void, json: boolean): Command {
  const root = new Command('brimful')
    .description(
      'Keeps copies of data complete: captures databases and keeps destination tables equal to them.',
    )
    .version(version)
    .option('-c, --config <file>', 'the configuration file', 'brimful.yaml')
    .option('--json', 'results and errors as JSON, for programs', false)
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .addHelpText('after', OVERVIEW);
  const perform = performer(root, onExit);
  addSetUpCommands(root, perform);
  addRunCommands(root, perform);
  addLookCommands(root, perform);
  addCatalogCommands(root, perform);
  addSecretCommands(root, perform);
  addBackfillCommands(root, perform);
  for (const command of [root, ...root.commands, ...root.commands.flatMap((own) => own.commands)]) {
    throwInsteadOfExit(command);
    if (json) command.configureOutput({ outputError: (text, write) => write(usageError(text)) });
  }
  return root;
}

function addSetUpCommands(root: Command, perform: Perform): void {
  root
    .command('init')
    .description('Write a commented brimful.yaml, and a JSON Schema so that editors complete it.')
    .option('--empty', 'without sources: add them in the browser, once `brimful up` runs')
    .addHelpText('after', examples('brimful init', 'brimful init --empty', 'brimful init --config shop.yaml'))
    .action((options: InitOptions) =>
      perform(async (context) => (await import('./commands/init.ts')).init(context, options)),
    );
  root
    .command('discover')
    .description('List the tables of the sources: key, rows, size, problems.')
    .argument('[capture]', 'only this capture')
    .addHelpText('after', examples('brimful discover', 'brimful discover shop/postgres --json'))
    .action((capture: string | undefined) =>
      perform(async (context) => (await import('./commands/discover.ts')).discover(context, capture)),
    );
  root
    .command('check')
    .description('Connect to everything and say what is missing, with the exact SQL that mends it.')
    .addHelpText('after', examples('brimful check', 'brimful check --json'))
    .action(() => perform(async (context) => (await import('./commands/check.ts')).check(context)));
}

function addRunCommands(root: Command, perform: Perform): void {
  root
    .command('up')
    .description('Run all captures and materializations in this process, until Ctrl-C.')
    .option('-v, --verbose', 'also say what happens inside', false)
    .addOption(
      new Option('-p, --port <port>', 'for pages and API; 0: any that is free').argParser(portNumber),
    )
    .addHelpText(
      'after',
      examples('brimful up', 'brimful up --verbose | tee brimful.log   # JSON logs: stdout is no terminal'),
    )
    .action((options: { verbose: boolean; port?: number }) =>
      perform(async (context) => (await import('./commands/up.ts')).up(context, options)),
    );
  root
    .command('down')
    .description('Remove for good what Brimful left at the sources and on this machine.')
    .option('--drop', 'really do it: slot, publications, data directory', false)
    .option('--drop-tables', 'also the destination tables that Brimful made', false)
    .option('-y, --yes', 'do not ask', false)
    .addHelpText(
      'after',
      examples('brimful down', 'brimful down --drop', 'brimful down --drop --drop-tables --yes'),
    )
    .action((options: { drop: boolean; dropTables: boolean; yes: boolean }) =>
      perform(async (context) => (await import('./commands/down.ts')).down(context, options)),
    );
}

function addLookCommands(root: Command, perform: Perform): void {
  root
    .command('status')
    .description('What a running `brimful up` is doing, or the last it said.')
    .addHelpText('after', examples('brimful status', 'brimful status --json'))
    .action(() => perform(async (context) => (await import('./commands/status.ts')).status(context)));
  const alerts = root
    .command('alerts')
    .description('The alerts that are open. 1: one of them is critical.')
    .addHelpText('after', examples('brimful alerts', 'brimful alerts --json', 'brimful alerts test'))
    .action(() => perform(async (context) => (await import('./commands/alerts.ts')).alerts(context)));
  alerts
    .command('test')
    .description('Send a test to the webhook of the configuration, from here.')
    .addHelpText('after', examples('brimful alerts test'))
    .action(() => perform(async (context) => (await import('./commands/alerts.ts')).testAlerts(context)));
  root
    .command('preview')
    .description('Show the newest rows and changes of a collection, as they were captured.')
    .argument('<collection>', 'for example shop/orders')
    .addOption(new Option('-n, --limit <rows>', 'how many').default(20).argParser(wholeNumber))
    .addHelpText(
      'after',
      examples('brimful preview shop/orders', 'brimful preview shop/orders --limit 5 --json'),
    )
    .action((collection: string, options: { limit: number }) =>
      perform(async (context) =>
        (await import('./commands/preview.ts')).preview(context, collection, options),
      ),
    );
  root
    .command('query')
    .description('Run read-only SQL where the tables are.')
    .argument('<materialization>', 'for example shop/warehouse')
    .addArgument(new Argument('<sql>', 'in quotes'))
    .option('--csv', 'results as CSV', false)
    .addHelpText(
      'after',
      examples(
        'brimful query shop/warehouse "SELECT count(*) FROM orders"',
        'brimful query shop/warehouse "SELECT * FROM orders LIMIT 10" --csv > orders.csv',
      ),
    )
    .action((materialization: string, sql: string, options: { csv: boolean }) =>
      perform(async (context) =>
        (await import('./commands/query.ts')).query(context, materialization, sql, options),
      ),
    );
}

function portNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535)
    throw new InvalidArgumentError('It must be a port: 0 to 65535.');
  return number;
}

/** A mistake in the command line in the form of every other error under --json. */
function usageError(text: string): string {
  const message = text.replace(/^error: /, '').trim();
  const error = { code: 'BRM-USAGE', kind: 'operator', message, remedy: 'See: brimful --help', at: {} };
  return `${JSON.stringify({ errors: [error] })}\n`;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    throw new UsageStop(error.exitCode === 0 ? ExitCode.ok : ExitCode.usage);
  });
}
