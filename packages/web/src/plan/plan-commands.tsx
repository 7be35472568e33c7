import type { BackfillPlan, RunRequest } from '@brimful/model';
import { Code, CopyButton, Button, Group, Tabs } from '@mantine/core';

/** The same plan in other words: for a terminal, a script, a review. */
export function PlanCommands({ plan }: { readonly plan: BackfillPlan }) {
  const texts = [
    ['CLI', cliOf(plan.request)],
    ['curl', curlOf(plan)],
    ['JSON', JSON.stringify(plan.request, null, 2)],
  ] as const;
  return (
    <Tabs defaultValue="CLI">
      <Tabs.List>
        {texts.map(([name]) => (
          <Tabs.Tab key={name} value={name}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {texts.map(([name, text]) => (
        <Tabs.Panel key={name} value={name} pt="xs">
          <Code block tabIndex={0} mah={300} style={{ overflow: 'auto' }}>
            {text}
          </Code>
          <Group mt="xs">
            <CopyButton value={text}>
              {({ copied, copy }) => (
                <Button size="compact-sm" variant="default" onClick={copy}>
                  {copied ? 'Copied' : 'Copy'}
                </Button>
              )}
            </CopyButton>
          </Group>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function cliOf(request: RunRequest): string {
  const { scope } = request;
  const flags = [
    `--mode ${request.mode}`,
    ...(request.bindings ?? []).map((binding) => `--binding ${quoted(binding)}`),
    ...(scope.kind === 'time'
      ? [
          `--time ${quoted(scope.column)}`,
          ...bound('--from', scope.from),
          ...bound('--to', scope.to),
          `--zone ${scope.zone}`,
        ]
      : []),
    ...(scope.kind === 'key'
      ? [...bound('--key-from', scope.from?.join(',')), ...bound('--key-to', scope.to?.join(','))]
      : []),
    ...(scope.kind === 'keys' ? scope.keys.map((key) => `--key ${quoted(key.join(','))}`) : []),
    ...(request.throttle.bytesPerSecond === null ? [] : [`--rate ${request.throttle.bytesPerSecond}`]),
    ...request.windows.map(({ cron, minutes, zone }) => `--window ${quoted(`${cron} ${minutes}m ${zone}`)}`),
    ...(request.throttle.readers === null ? [] : [`--readers ${request.throttle.readers}`]),
    ...(request.missingRows === 'keep' ? ['--keep-missing'] : []),
    ...(request.columns === null ? [] : [`--columns ${quoted(request.columns.join(','))}`]),
    ...(request.verify === 'full' ? [] : [`--verify ${request.verify}`]),
    ...(request.mode === 'reset' || request.mode === 'materialization'
      ? [`--undo ${Math.round(request.undoMilliseconds / 1000)}s`]
      : []),
    `--reason ${quoted(request.reason)}`,
  ];
  return `brimful backfill plan ${quoted(request.task)} ${flags.join(' \\\n  ')}`;
}

function bound(flag: string, value: string | null | undefined): readonly string[] {
  return value === null || value === undefined ? [] : [`${flag} ${quoted(value)}`];
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@%+-]+$/u.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function curlOf(plan: BackfillPlan): string {
  const confirmed = [...new Set(plan.guards.filter(({ level }) => level === 'confirm').map(({ id }) => id))];
  return [
    `curl -X POST ${location.origin}/api/v1/plans/${plan.id}/apply \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d ${quoted(JSON.stringify({ acknowledged: confirmed }))}`,
  ].join('\n');
}
