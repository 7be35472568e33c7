import { testMessage, Webhook } from '@brimful/control';
import { Problem } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { publishedAlerts } from '../published-status.ts';
import { alertLines } from '../terminal/alert-lines.ts';
import { packageVersion } from '../version.ts';

const DEFAULT_COLUMNS = 100;

/** The alerts that are open. 1 when one of them is critical. */
export async function alerts(context: CommandContext): Promise<ExitCodeNumber> {
  const { dataDirectory } = await loadedConfig(context);
  const open = await publishedAlerts(dataDirectory);
  const { output } = context;
  if (output.json) printJson(output, { open });
  else if (open.length === 0) print(output, 'No alert is open.');
  else {
    const options = { columns: output.stdout.columns ?? DEFAULT_COLUMNS, colors: output.colors };
    print(output, alertLines(open, Date.now(), options).join('\n'));
  }
  return open.some(({ severity }) => severity === 'critical') ? ExitCode.problem : ExitCode.ok;
}

/** Sends a test to the webhook of the configuration, from here, whether or not a pipe runs. */
export async function testAlerts(context: CommandContext): Promise<ExitCodeNumber> {
  const { alerts: settings, file } = await loadedConfig(context);
  if (settings.webhook === undefined) {
    throw new Problem('BRM-ALERT-WEBHOOK', 'There is no webhook that alerts are sent to.', {
      remedy: 'Set alerts.webhook in the configuration: webhook: ${ALERT_WEBHOOK_URL}',
      at: { file },
    });
  }
  const webhook = new Webhook(settings.webhook, { version: packageVersion(), now: Date.now });
  const outcome = await webhook.send(testMessage(Date.now()), new AbortController().signal);
  const { origin, isSigned } = webhook;
  if (context.output.json) printJson(context.output, { origin, isSigned, ...outcome });
  else if (outcome.state === 'delivered') {
    const signed = isSigned ? 'signed' : 'not signed';
    print(context.output, `${origin} took the test (${signed}) in ${outcome.milliseconds} ms.`);
  } else print(context.output, `${origin} did not take the test: ${outcome.error ?? 'no reason was given'}.`);
  if (outcome.state === 'delivered') return ExitCode.ok;
  return outcome.state === 'again' ? ExitCode.unavailable : ExitCode.problem;
}
