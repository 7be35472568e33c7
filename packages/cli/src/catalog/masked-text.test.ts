import { describe, expect, test } from 'vitest';
import { maskedText, restoredText } from './masked-text.ts';

const TEXT = `# url was postgres://old:hunter1@db/shop
captures:
  shop/postgres:
    connector: postgres
    config: { url: "postgres://me:hunter2@db/shop", password: \${PGPASSWORD} }
  crm/postgres:
    connector: postgres
    config:
      url: postgres://me:\${CRM_PASSWORD}@db/crm
      apiKey: hunter3
server:
  password: hunter4
  tokens:
    ci: hunter5hunter5
  port: 4646
alerts:
  webhook: https://hooks.example.com/services/T0/hunter6
`;

// Invariant 10
describe('a text that people are shown', () => {
  test('has no secret that stands in it literally, and all references, on the same lines', () => {
    const masked = maskedText(TEXT);
    expect(masked).not.toContain('hunter');
    expect(masked).toContain('password: ${PGPASSWORD} }');
    expect(masked).toContain('postgres://me:${CRM_PASSWORD}@db/crm');
    expect(masked).toContain('connector: postgres\n');
    expect(masked).toContain('url: "postgres://me:***@db/shop"');
    expect(masked).toContain('    ci: ***\n  port: 4646\n');
    expect(masked.split('\n')).toHaveLength(TEXT.split('\n').length);
  });

  test('keeps the lines of a secret that has several', () => {
    const text = 'config:\n  privateKey: |\n    BEGIN\n    abc\n  url: x\n';
    expect(maskedText(text)).toBe('config:\n  privateKey: |\n    ***\n    ***\n  url: x\n');
  });

  test('is masked as well when it is no YAML', () => {
    expect(maskedText('captures: {{{\n  password: hunter2\n')).not.toContain('hunter2');
  });
});

describe('an edited text', () => {
  test('gets its secrets back, whatever was changed around them', () => {
    const edited = maskedText(TEXT).replace('port: 4646', 'port: 4647').replace('# url was', '# it was');
    const wanted = TEXT.replace('port: 4646', 'port: 4647');
    expect(restoredText(maskedText(TEXT).replace('port: 4646', 'port: 4647'), TEXT)).toEqual({
      ok: true,
      text: wanted,
    });
    expect(restoredText(edited, TEXT)).toMatchObject({ ok: false, problems: [{ line: 1 }] });
    expect(restoredText(maskedText(TEXT), TEXT)).toEqual({ ok: true, text: TEXT });
  });

  test('never gets one into another place', () => {
    const two = 'a:\n  password: one1\nb:\n  password: two2\n';
    const masked = maskedText(two);
    expect(restoredText(`${masked}c: 1\n`, two)).toEqual({ ok: true, text: `${two}c: 1\n` });
    expect(restoredText('b:\n  password: ***\n', two)).toMatchObject({ ok: false, problems: [{ line: 2 }] });
    expect(
      restoredText(masked.replace('a:\n', 'evil: 1\na:\n').replace('  password', '   password'), two),
    ).toMatchObject({ ok: false });
  });
});
