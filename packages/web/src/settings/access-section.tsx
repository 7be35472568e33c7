import type { Settings } from '@brimful/api';
import { Code } from '@mantine/core';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { Section } from '../parts/section.tsx';
import { count } from '../words/quantity.ts';
import { SettingRows } from './setting-rows.tsx';

type Token = Settings['access']['tokens'][number];

const COLUMNS: readonly DataColumn<Token>[] = [
  {
    id: 'name',
    header: 'Token',
    order: ({ name }) => name,
    cell: ({ name }) => <span className="mono">{name}</span>,
  },
  {
    id: 'used',
    header: 'Last used since the start',
    order: ({ lastUsedAt }) => lastUsedAt ?? 0,
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'not used' : <MomentText at={lastUsedAt} />),
  },
];

const HOW = `# a token nobody can guess, kept in the environment
export BRIMFUL_CI_TOKEN=$(openssl rand -base64 32)

# brimful.yaml
server:
  tokens:
    ci: \${BRIMFUL_CI_TOKEN}

# then
curl -H "Authorization: Bearer $BRIMFUL_CI_TOKEN" …/api/v1/status`;

/** Where it is served, and who can come in. Never by what. */
export function AccessSection({ settings }: { readonly settings: Settings }) {
  const { server, access } = settings;
  const { hasPassword, sessions, tokens } = access;
  const isOpen = !hasPassword && tokens.length === 0;
  return (
    <>
      <Section title="Address and access">
        <SettingRows
          settings={[
            {
              name: 'Address',
              field: 'server.host, server.port',
              value: `${server.host}:${server.port}`,
              note: server.isExposed
                ? 'Other machines can reach it.'
                : 'Only this machine can reach it, whoever is signed in on it.',
            },
            {
              name: 'Other names',
              field: 'server.names',
              value: server.names.length === 0 ? 'none' : server.names.join(', '),
              note: 'By which browsers may come in besides the address.',
            },
            {
              name: 'Admin password',
              field: 'server.password',
              value: hasPassword ? 'set' : 'not set',
              note: hasPassword
                ? `${count(sessions)} browsers are signed in; a session ends after 12 hours.`
                : isOpen
                  ? 'Whoever reaches the address may do everything.'
                  : 'Only programs with a token come in.',
            },
            {
              name: 'Record of changes',
              value: <span className="mono">{settings.dataDirectory}/audit.jsonl</span>,
              note: 'A line for every change that was asked for, refused ones too.',
            },
          ]}
        />
      </Section>
      <Section title="API tokens" note="For programs, by the name that the record of changes calls each by.">
        {tokens.length > 0 && (
          <DataTable label="API tokens" columns={COLUMNS} rows={tokens} rowKey={({ name }) => name} />
        )}
        <details>
          <summary>{tokens.length === 0 ? 'There is none. How to make one' : 'How to make another'}</summary>
          <Code block tabIndex={0} mt="xs">
            {HOW}
          </Code>
        </details>
      </Section>
    </>
  );
}
