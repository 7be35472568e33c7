import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Redactions, redactor } from './redact.ts';

// Invariant 10
test('passwords in URLs go, whatever the URL is part of', () => {
  const redact = redactor();
  expect(redact('connect to postgres://me:p@ss/w@rd@db:5432/shop failed')).toBe(
    'connect to postgres://me:***@db:5432/shop failed',
  );
  expect(redact('{"url":"postgres://me:pw@db/shop","mail":"a@b"}')).toBe(
    '{"url":"postgres://me:***@db/shop","mail":"a@b"}',
  );
  expect(redact('postgres://me@db/shop and http://host:80/x')).toBe(
    'postgres://me@db/shop and http://host:80/x',
  );
  expect(redact('host=db password=hunter2 user=me')).toBe('host=db password=*** user=me');
});

test("a configuration's own secrets go wherever they turn up, encoded or not", () => {
  const redact = redactor(
    [{ url: 'postgres://me:s%3Acret%20x@db/shop', nested: [{ apiKey: 'abc"def' }] }],
    [{ name: 'DB_PASSWORD', value: 'hunter2' }],
  );
  expect(redact('authentication of "s:cret x" failed, hunter2hunter2')).toBe(
    'authentication of "***" failed, ******',
  );
  expect(redact(JSON.stringify({ said: 'abc"def' }))).toBe('{"said":"***"}');
  expect(redact('s%3Acret%20x')).toBe('***');
});

test('no secret of three characters or more survives, in any surroundings', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3 }), fc.string(), fc.string(), (secret, before, after) => {
      // Stars are what secrets become; a secret of stars is no secret.
      fc.pre(!'*** '.includes(secret));
      const redact = redactor([{ password: secret }]);
      const shown = redact(`${before} ${secret} ${after}`);
      expect(shown.split('***').join('')).not.toContain(secret);
    }),
    { seed: 7 },
  );
});

test('what was kept, and what is in force, goes however often either changes', () => {
  const redactions = new Redactions(redactor([{ password: 'first-one' }]));
  redactions.add(redactor([{ password: 'in-force' }]));
  for (let count = 0; count < 50; count += 1) redactions.note(`kept-${count}-`);
  expect(redactions.redact('first-one in-force kept-0- kept-49-')).toBe('*** *** *** ***');
  for (let count = 0; count < 20; count += 1) redactions.add(redactor([{ password: `young-${count}-` }]));
  expect(redactions.redact('young-19- kept-0-')).toBe('*** ***');
});
