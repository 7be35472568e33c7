import type { Catalog, CatalogChange, Publication, PublicationPlan } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { CatalogCalls, SecretCalls } from '../../control-target.ts';
import type { ConnectionLook } from '../http-target.ts';

type Note = <T>(answer: T, ...what: unknown[]) => Promise<T>;

const BEFORE = 'captures:\n  shop/postgres:\n    connector: postgres\n    config: { url: ${SHOP_URL} }\n';
const AFTER = `${BEFORE}    autoDiscover: { schemas: [public, sales] }\n`;

const CHANGE: CatalogChange = {
  action: 'add',
  kind: 'binding',
  subject: 'sales.orders',
  task: 'shop/postgres',
  sentence: 'sales.orders is captured into shop/sales/orders.',
  consequence: 'first read',
  effect: 'Its first read begins, about 1,200,000 rows.',
  rows: { value: 1_200_000, quality: 'statistics' },
  bytes: { value: 240_000_000, quality: 'statistics' },
  command: null,
};

const DIFF = [
  {
    lines: [
      { kind: 'same' as const, before: 4, after: 4, text: '    config: { url: ${SHOP_URL} }' },
      {
        kind: 'added' as const,
        before: null,
        after: 5,
        text: '    autoDiscover: { schemas: [public, sales] }',
      },
    ],
  },
];

export function fakeCatalog(note: Note): CatalogCalls {
  return {
    read: async () => aCatalog(),
    plan: (draft) => note(aPublicationPlan(), 'plan publication', draft),
    findPlan: async () => aPublicationPlan(),
    apply: (id, approval) => note(aPublication(3), 'apply publication', id, approval),
    list: async () => {
      const { before: _before, after: _after, changes: _changes, diff: _diff, ...summary } = aPublication(2);
      return [summary];
    },
    find: async (number) => {
      if (number === 2) return aPublication(2);
      throw new Problem('BRM-PUBLICATION-UNKNOWN', `There is no publication ${number}.`);
    },
    planRevert: (number, draft) => note(aPublicationPlan(), 'plan revert', number, draft),
  };
}

export function fakeConnections(note: Note): ConnectionLook {
  const schema = { type: 'object', properties: { url: { type: 'string' } }, required: ['url'] };
  return {
    connectors: async () => [
      {
        name: 'postgres',
        title: 'PostgreSQL',
        kind: 'both',
        verified: 'on a real server',
        captureSchema: schema,
        materializationSchema: schema,
      },
    ],
    check: (request) =>
      note(
        {
          ok: false,
          findings: [
            {
              subject: 'wal_level',
              level: 'error',
              message: 'wal_level is replica.',
              remedy: 'Set it to logical.',
            },
          ],
        },
        'check connection',
        request,
      ),
    discover: (request) =>
      note(
        {
          resources: [
            {
              name: 'public.orders',
              suggestedTarget: 'orders',
              key: ['id'],
              columns: 10,
              rows: 1_200_000,
              bytes: 240_000_000,
              quality: 'statistics',
              problem: null,
            },
          ],
        },
        'discover resources',
        request,
      ),
  };
}

export function fakeSecrets(note: Note): SecretCalls {
  const kept = { name: 'SHOP_PASSWORD', at: 1, who: 'anna' };
  return {
    list: async () => [kept],
    put: (name, value, who) => note({ name, at: 1, who }, 'put secret', name, value, who),
    remove: (name) => note(undefined, 'remove secret', name),
  };
}

function aCatalog(): Catalog {
  return {
    path: '/srv/brimful/brimful.yaml',
    revision: 'a'.repeat(64),
    text: BEFORE,
    appliedRevision: 'a'.repeat(64),
    changedOnDisk: false,
    publication: 2,
    captures: [{ name: 'shop/postgres', connector: 'postgres', bindings: 0, followsAll: true }],
    materializations: [{ name: 'shop/warehouse', connector: 'duckdb', bindings: 1, followsAll: false }],
  };
}

function aPublicationPlan(): PublicationPlan {
  return {
    id: 'publication-plan-1',
    createdAt: 1,
    expiresAt: 2,
    author: 'anna',
    reason: 'sales wants it',
    base: 'a'.repeat(64),
    revision: 'b'.repeat(64),
    text: AFTER,
    changedOnDisk: false,
    changes: [CHANGE],
    diff: DIFF,
    problems: [
      {
        code: 'BRM-CONFIG-FIELD',
        message: 'Unknown field "schemata" in autoDiscover.',
        line: 5,
        column: 21,
        remedy: 'Did you mean schemas?',
      },
    ],
    blocked: ['run-000003 holds shop/orders, and is running: wait until it is done, or cancel it.'],
    warnings: ['The file was edited since you opened it.'],
    findings: [{ subject: 'shop/postgres', level: 'ok', message: 'PostgreSQL 18 answers.', remedy: null }],
    rows: CHANGE.rows,
    bytes: CHANGE.bytes,
  };
}

function aPublication(number: number): Publication {
  return {
    number,
    state: 'applied',
    at: 1,
    who: 'anna',
    why: 'sales wants it',
    origin: 'browser',
    base: 'a'.repeat(64),
    revision: 'b'.repeat(64),
    headline: CHANGE.sentence,
    changeCount: 1,
    problem: null,
    before: BEFORE,
    after: AFTER,
    changes: [CHANGE],
    diff: DIFF,
  };
}
