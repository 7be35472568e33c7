import { Problem } from '@brimful/model';
import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';

import { problemOf } from './failure.ts';
import { PipelineError } from './pipeline.ts';

function serverError(code: string, more: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError('said the server', 1, 'error'), { code, ...more });
}

test.for([
  ['57P01', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['57P03', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['53300', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['53100', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['40P01', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['40001', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['08006', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['25006', 'retry', 'BRM-PG-UNAVAILABLE'],
  ['28P01', 'operator', 'BRM-PG-REFUSED'],
  ['3D000', 'operator', 'BRM-PG-REFUSED'],
  ['42501', 'operator', 'BRM-PG-REFUSED'],
  ['22P02', 'operator', 'BRM-PG-VALUE'],
  ['22003', 'operator', 'BRM-PG-VALUE'],
  ['54000', 'operator', 'BRM-PG-VALUE'],
  ['23502', 'operator', 'BRM-PG-CONSTRAINT'],
  ['42P01', 'operator', 'BRM-PG-TABLE-CHANGED'],
  ['XX000', 'operator', 'BRM-PG-SERVER'],
] as const)('what the server calls %s is %s: %s', ([state, kind, code]) => {
  const problem = problemOf(new PipelineError(0, serverError(state)), 'writing');
  expect(problem).toMatchObject({ code, kind });
  expect(problem.remedy).toBeTruthy();
});

test.for([
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  Object.assign(new Error(''), { code: 'ECONNREFUSED' }),
  Object.assign(new Error('Cannot call write after a stream was destroyed'), {
    code: 'ERR_STREAM_DESTROYED',
  }),
  new Error('Connection terminated unexpectedly'),
  new Error('the connection was given up'),
])('a lost connection is worth another try: %s', (cause) => {
  expect(problemOf(cause, 'writing')).toMatchObject({ code: 'BRM-PG-CONNECTION', kind: 'retry' });
});

test('a mistake of our own is not taken for an outage', () => {
  expect(problemOf(new TypeError('x is not a function'), 'writing')).toMatchObject({ kind: 'bug' });
  expect(problemOf(new Problem('BRM-X', 'x', { kind: 'bug' }), 'writing')).toMatchObject({
    code: 'BRM-X',
    kind: 'bug',
  });
});

test('a certificate that is not trusted is for a person to mend', () => {
  const cause = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(problemOf(cause, 'connecting')).toMatchObject({ code: 'BRM-PG-REFUSED', kind: 'operator' });
});
