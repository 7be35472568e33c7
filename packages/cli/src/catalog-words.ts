import type { Command } from 'commander';
import { Argument } from 'commander';
import type { ApplyCatalogFlags } from './commands/catalog/apply.ts';
import type { PlanCatalogFlags } from './commands/catalog/plan.ts';
import type { Perform } from './perform.ts';
import { examples } from './perform.ts';
import { wholeNumber } from './whole-number.ts';

/** `brimful plan`, `brimful apply` and `brimful publications …`. */
export function addCatalogCommands(root: Command, perform: Perform): void {
  root
    .command('plan')
    .description('Say what the file would change of what was applied last. 0: nothing; 8: there are changes.')
    .option('--diff', 'also the difference of the text, line by line', false)
    .option('--unchecked', 'do not connect to what is added or changed', false)
    .addHelpText('after', examples('brimful plan', 'brimful plan --diff', 'brimful plan --json --unchecked'))
    .action((flags: PlanCatalogFlags) =>
      perform(async (context) => (await import('./commands/catalog/plan.ts')).planCatalog(context, flags)),
    );
  changeWords(
    root
      .command('apply')
      .description('Apply the file: plan it, show it, ask, and let what runs follow in place.'),
  )
    .option('--diff', 'also show the difference of the text', false)
    .addHelpText('after', examples('brimful apply', 'brimful apply --yes --reason "orders of the new shop"'))
    .action((flags: ApplyCatalogFlags) =>
      perform(async (context) => {
        const { applyCatalog } = await import('./commands/catalog/apply.ts');
        const { askOn } = await import('./terminal/ask.ts');
        return applyCatalog(context, flags, askOn(context.output, 'Add --yes.'));
      }),
    );
  addPublications(root, perform);
}

function addPublications(root: Command, perform: Perform): void {
  const publications = root
    .command('publications')
    .description('Look at changes of the file that were applied, and go back.')
    .addHelpText(
      'after',
      examples(
        'brimful publications list',
        'brimful publications show 12 --diff',
        'brimful publications revert 12',
      ),
    );
  publications
    .command('list')
    .description('Changes that were applied, the newest first.')
    .addHelpText('after', examples('brimful publications list', 'brimful publications list --json'))
    .action(() =>
      perform(async (context) => (await import('./commands/catalog/look.ts')).listPublications(context)),
    );
  publications
    .command('show')
    .description('One change: who, when, why, and what it did.')
    .addArgument(numberArgument())
    .option('--diff', 'also the difference of the text, line by line', false)
    .addHelpText('after', examples('brimful publications show 12', 'brimful publications show 12 --diff'))
    .action((number: number, flags: { diff: boolean }) =>
      perform(async (context) =>
        (await import('./commands/catalog/look.ts')).showPublication(context, number, flags),
      ),
    );
  changeWords(
    publications.command('revert').description('Write the text there was before a change, and apply it.'),
  )
    .addArgument(numberArgument())
    .addHelpText('after', examples('brimful publications revert 12', 'brimful publications revert 12 --yes'))
    .action((number: number, flags: ApplyCatalogFlags) =>
      perform(async (context) => {
        const { revertPublication } = await import('./commands/catalog/apply.ts');
        const { askOn } = await import('./terminal/ask.ts');
        return revertPublication(context, number, flags, askOn(context.output, 'Add --yes.'));
      }),
    );
}

function changeWords(command: Command): Command {
  return command
    .option('-y, --yes', 'do not ask', false)
    .option('--reason <text>', 'why, for the history')
    .option('--as <name>', 'who does this, for the history; default: the user')
    .option('--unchecked', 'do not connect to what is added or changed', false);
}

function numberArgument(): Argument {
  return new Argument('<number>', 'as `brimful publications list` shows it').argParser(wholeNumber);
}
