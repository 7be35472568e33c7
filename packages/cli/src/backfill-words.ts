import type { Command } from 'commander';
import { Option } from 'commander';
import type { ApplyFlags, RunFlags } from './commands/backfill/apply.ts';
import type { OrderFlags } from './commands/backfill/order.ts';
import type { VerifyFlags } from './commands/verify.ts';
import type { PlanFlags } from './backfill/plan-flags.ts';
import type { Perform } from './perform.ts';
import { examples } from './perform.ts';

const WHICH_MODE = `
If I want to …                                          use
  read some tables anew from the source, as they are
  now, into fresh tables (columns changed, data lost,
  a slot lost, "gap" in the status)                     --mode reset
  read only part of a table again: a month, some keys   --mode incremental --time … | --keys …
  fill one column whose old rows have values            --mode incremental --columns <name>
  remove rows that went while nobody was looking        --mode incremental
  rebuild destination tables from what was captured,
  without touching the source                           --mode materialization
  know whether source, collection and tables are equal  brimful verify

  reset and materialization build beside the live tables, compare, and swap in one moment;
  brimful backfill undo takes that back. incremental merges in place: older never overwrites newer.
`;

const BACKFILL_EXAMPLES = examples(
  'brimful backfill plan shop/postgres --binding shop/orders --mode reset --reason "schema cleanup"',
  'brimful backfill apply plan-0a1b2c3d4e5f --acknowledge whole-table',
  'brimful backfill run shop/warehouse --mode materialization --reason "new disk"',
  'brimful backfill show run-12 --watch',
  'brimful backfill throttle run-12 --rate 20MB/s --readers 1',
  'brimful backfill undo run-12',
);

/** `brimful backfill …` and `brimful verify`. */
export function addBackfillCommands(root: Command, perform: Perform): void {
  const backfill = root
    .command('backfill')
    .description('Read tables again: planned, bounded, throttled, compared, swapped in, undoable.')
    .addHelpText('after', WHICH_MODE + BACKFILL_EXAMPLES);
  addPlan(backfill, perform);
  addRun(backfill, perform);
  addApply(backfill, perform);
  addLook(backfill, perform);
  addOrders(backfill, perform);
  addVerify(root, perform);
}

function addPlan(backfill: Command, perform: Perform): void {
  const plan = backfill
    .command('plan')
    .description(
      'Say what a run would do, cost and risk. Nothing happens yet. 0: it can be applied; 5: not as it is.',
    );
  planWords(plan)
    .addHelpText(
      'after',
      WHICH_MODE +
        examples(
          'brimful backfill plan shop/postgres --binding shop/orders --mode reset --reason "schema cleanup"',
          'brimful backfill plan shop/postgres --binding shop/orders --mode incremental \\\n    --time created_at --from 2026-01-01 --to 2026-02-01 --zone Europe/Berlin --reason "lost a day"',
          'brimful backfill plan shop/postgres --binding shop/orders --mode incremental \\\n    --keys 17,18,19 --reason "support case 4711"',
          'brimful backfill plan shop/warehouse --mode materialization --reason "new disk"',
          'brimful backfill plan shop/postgres --mode reset --reason nightly --json | jq .estimate',
        ),
    )
    .action((task: string, flags: PlanFlags) =>
      perform(async (context) => (await import('./commands/backfill/plan.ts')).plan(context, task, flags)),
    );
}

function addRun(backfill: Command, perform: Perform): void {
  const run = backfill.command('run').description('Plan, show, ask, apply and watch in one go.');
  planWords(run)
    .option('-y, --yes', 'do not ask (guards that want it still need --acknowledge)')
    .option('--no-watch', 'do not wait for its end')
    .addHelpText(
      'after',
      examples(
        'brimful backfill run shop/postgres --binding shop/orders --mode reset --reason "schema cleanup"',
        'brimful backfill run shop/postgres --binding shop/orders --mode incremental --reason nightly \\\n    --time updated_at --from 1d --zone UTC --yes --json',
      ),
    )
    .action((task: string, flags: RunFlags) =>
      perform(async (context) => {
        const [{ run: work }, { askOn }] = await Promise.all([
          import('./commands/backfill/apply.ts'),
          import('./terminal/ask.ts'),
        ]);
        return work(context, task, flags, askOn(context.output, 'Add --yes if you are sure.'));
      }),
    );
}

/** What to read, why, and how gently. */
function planWords(command: Command): Command {
  return command
    .argument('<task>', 'the capture (reset, incremental) or the materialization (materialization)')
    .addOption(
      option('-m, --mode <mode>', 'which one fits: see below', [
        'reset',
        'incremental',
        'materialization',
        'repair',
      ]),
    )
    .option('-b, --binding <collection>', 'only this one; may be repeated. Default: all', repeated)
    .option('--reason <why>', 'in your words; stands in the history')
    .option('--time <column>', 'bound by a column of times …')
    .option('--from <time>', '… from: 2026-01-01, 2026-01-01T12:30, 7d (calendar days), 24h (elapsed) ago')
    .option('--to <time>', '… to; itself not included')
    .option('--zone <zone>', '… in this time zone, for example Europe/Berlin')
    .option('--key-from <values>', "bound by the key's first columns, separated by commas …")
    .option('--key-to <values>', '… to; itself not included')
    .option('--keys <keys>', 'single rows: 17,18,19; keys of several columns: "DE,17; DE,18"')
    .option('--key <key>', 'one whole key, its columns separated by commas; may be repeated', repeated)
    .option('--keys-file <file>', 'whole keys, one a line')
    .option('--columns <names>', 'only these columns take what is read, separated by commas')
    .option('--rate <rate>', 'at most so much, for example 20MB/s; 0 begins paused')
    .option('--readers <number>', 'at most so many chunks at once')
    .option('--window <window>', 'read only then: "0 22 * * * 8h Europe/Berlin"; may be repeated', repeated)
    .option('--undo <time>', 'how long it can be undone, for example 24h; 0: not at all')
    .option('--keep-missing', 'keep rows that the source no longer has')
    .option('--delete-limit <part>', 'stop when more of a table would be removed, for example 5%')
    .addOption(option('--verify <level>', 'how it is compared at the end', ['full', 'counts']))
    .option('--acknowledge <guard>', 'a guard whose warning you accept; may be repeated', repeated)
    .option('--as <name>', 'who does this, for the history. Default: the user');
}

function addApply(backfill: Command, perform: Perform): void {
  backfill
    .command('apply')
    .description('Begin what a plan says, if everything is still as it saw it. Else 5, with the difference.')
    .argument('<plan>', 'for example plan-0a1b2c3d4e5f')
    .option('--acknowledge <guard>', 'a guard whose warning you accept; may be repeated', repeated)
    .option('-w, --watch', 'wait for its end: 7 when it fails')
    .option('--as <name>', 'who does this, for the history. Default: the user')
    .addHelpText(
      'after',
      examples(
        'brimful backfill apply plan-0a1b2c3d4e5f',
        'brimful backfill apply plan-0a1b2c3d4e5f --acknowledge whole-table --watch --json',
      ),
    )
    .action((plan: string, flags: ApplyFlags) =>
      perform(async (context) => (await import('./commands/backfill/apply.ts')).apply(context, plan, flags)),
    );
}

function addLook(backfill: Command, perform: Perform): void {
  backfill
    .command('list')
    .description('All runs, and the plans that were not applied.')
    .addHelpText('after', examples('brimful backfill list', 'brimful backfill list --json'))
    .action(() => perform(async (context) => (await import('./commands/backfill/look.ts')).list(context)));
  backfill
    .command('show')
    .description('One run: its tables, history and report. Or a plan.')
    .argument('<run>', 'for example run-12, 12 or plan-0a1b2c3d4e5f')
    .option('-w, --watch', 'until its end: 7 when it fails')
    .addHelpText('after', examples('brimful backfill show run-12', 'brimful backfill show 12 --watch'))
    .action((run: string, flags: { readonly watch?: boolean }) =>
      perform(async (context) => (await import('./commands/backfill/look.ts')).show(context, run, flags)),
    );
}

type Ordered = 'pause' | 'resume' | 'cancel' | 'retry' | 'skip' | 'throttle' | 'undo' | 'redo';

const ORDERS: Readonly<
  Record<Ordered, { readonly what: string; readonly tables: boolean; readonly also?: string }>
> = {
  pause: { what: 'Stop reading for now; changes keep streaming.', tables: true },
  resume: { what: 'Go on after a pause.', tables: true },
  cancel: { what: 'End it now. Live tables stay as they are.', tables: true },
  retry: { what: 'Try again what failed.', tables: true },
  skip: { what: 'Go on without one table.', tables: true, also: '--binding shop/orders' },
  throttle: {
    what: 'Change how fast it may read, while it does.',
    tables: false,
    also: '--rate 20MB/s --readers 1',
  },
  undo: {
    what: 'Swap back to the tables from before. Nothing is lost: they were kept current.',
    tables: false,
  },
  redo: { what: 'Swap in again what was undone.', tables: false },
};

function addOrders(backfill: Command, perform: Perform): void {
  for (const verb of Object.keys(ORDERS) as Ordered[]) {
    const { what, tables, also } = ORDERS[verb];
    const command = backfill.command(verb).description(what).argument('<run>', 'for example run-12, or 12');
    if (tables) command.option('-b, --binding <collection>', 'only this table of the run');
    if (verb === 'throttle') {
      command
        .option('--rate <rate>', 'at most so much, for example 20MB/s; 0: nothing; none: no limit')
        .option('--readers <number>', 'at most so many chunks at once; none: no limit');
    }
    command
      .option('--reason <why>', 'in your words; stands in the history')
      .option('-w, --watch', 'until nothing more happens by itself: 7 when it failed')
      .option('--as <name>', 'who does this, for the history. Default: the user')
      .addHelpText(
        'after',
        examples(`brimful backfill ${verb} run-12${also === undefined ? '' : ` ${also}`}`),
      )
      .action((run: string, flags: OrderFlags) =>
        perform(async (context) =>
          (await import('./commands/backfill/order.ts')).order(context, verb, run, flags),
        ),
      );
  }
}

function addVerify(root: Command, perform: Perform): void {
  root
    .command('verify')
    .description('Compare source, collection and tables while changes flow. Needs a running `brimful up`.')
    .argument('<name>', 'a materialization, a capture or a collection')
    .option('-b, --binding <collection>', 'only this one; may be repeated. Default: all', repeated)
    .addOption(option('--level <level>', 'every row, or only how many there are', ['full', 'counts']))
    .option('--repair', 'apply the runs that mend what differs: shows them, asks, and watches', false)
    .option('--acknowledge <guard>', 'with --repair: accept what this guard says; may be repeated', repeated)
    .option('-y, --yes', 'with --repair: do not ask; guards still want to be acknowledged', false)
    .option('--as <name>', 'who plans the repair. Default: the user of the operating system')
    .addHelpText(
      'after',
      examples(
        'brimful verify shop/warehouse',
        'brimful verify shop/warehouse --binding shop/orders --level counts',
        'brimful verify shop/warehouse --repair   # and mend what differs',
        'brimful verify shop/orders --json   # source and collection, collection and tables',
      ),
    )
    .action((target: string, flags: VerifyFlags) =>
      perform(async (context) => (await import('./commands/verify.ts')).verify(context, target, flags)),
    );
}

function option(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}

function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
