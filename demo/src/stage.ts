import type { Run, RuntimeStatus } from '@brimful/model';
import type { Output } from 'brimful';
import { clip, formatSeconds, progressView, Screen } from 'brimful';

/** What the audience sees: a story of lines, and under it the progress, redrawn in place where there is a terminal. */
export interface Stage extends Disposable {
  readonly screen: Screen | undefined;
  say(text: string): void;
  /** Shows a step that takes a while, and how long it took. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** `footer`: one line about what is not in the status. */
  progress(status: RuntimeStatus, footer: string, runs: readonly Run[]): void;
}

/** Where lines scroll, the progress is printed this often. */
const PRINT_EVERY_MILLISECONDS = 5000;
const SCROLLING_COLUMNS = 100;
const SCROLLING_ROWS = 40;

export function openStage(output: Output): Stage {
  const screen = output.interactive ? new Screen(output.stdout) : undefined;
  const say = (text: string): void => {
    if (screen === undefined) output.stdout.write(`${output.redact(text)}\n`);
    else screen.above(output.redact(text));
  };
  let printedAt = 0;
  return {
    screen,
    say,
    async step(title, work) {
      const startedAt = performance.now();
      screen?.draw([output.colors.dim(`… ${title}`)]);
      const result = await work();
      screen?.draw([]);
      say(
        `${output.colors.green('✓')} ${title} ${output.colors.dim(`(${formatSeconds((performance.now() - startedAt) / 1000)})`)}`,
      );
      return result;
    },
    progress(status, footer, runs) {
      if (screen !== undefined) {
        const options = { columns: screen.columns, rows: screen.rows - 1, colors: output.colors };
        const view = progressView(status, options, runs);
        screen.draw([...view, output.colors.dim(clip(footer, screen.columns))]);
        return;
      }
      if (status.at - printedAt < PRINT_EVERY_MILLISECONDS) return;
      printedAt = status.at;
      const options = { columns: SCROLLING_COLUMNS, rows: SCROLLING_ROWS, colors: output.colors };
      const view = progressView(status, options, runs);
      say([`--- after ${formatSeconds((status.at - status.startedAt) / 1000)}`, ...view, footer].join('\n'));
    },
    [Symbol.dispose]() {
      screen?.end();
    },
  };
}
