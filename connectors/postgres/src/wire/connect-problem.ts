import { Problem } from '@brimful/model';
import type { Endpoint } from './endpoint.ts';
import { describeEndpoint } from './endpoint.ts';
import { problemOf, ServerError } from './server-error.ts';

/**
 * What a failed login means. A server that cannot be reached may be restarting, so that is `retry`, with the remedy
 * for the case that it is not. The password appears nowhere. (Invariant 10)
 */
export function connectProblem(thrown: unknown, endpoint: Endpoint): Problem {
  const place = describeEndpoint(endpoint);
  const { code, message } = thrown as { code?: string; message?: string };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    const fields = thrown as { severity?: string; detail?: string; hint?: string };
    const error = new ServerError({
      severity: fields.severity ?? 'FATAL',
      code,
      message: message ?? '',
      detail: fields.detail,
      hint: fields.hint,
    });
    return problemOf(error, `Cannot log in to Postgres as ${place}`);
  }
  const text = message ?? String(thrown);
  if (/password|SASL|SCRAM/i.test(text)) {
    return new Problem(
      'BRM-PG-AUTHENTICATION',
      `Cannot log in to Postgres as ${place}: the password is missing or wrong.`,
      {
        remedy: 'Set `password` (from an environment variable), or put it into the url.',
      },
    );
  }
  if (/SSL|TLS|certificate|self.signed/i.test(text) || code?.startsWith('ERR_TLS') === true) {
    return new Problem('BRM-PG-TLS', `Cannot set up TLS with Postgres at ${place}: ${text}.`, {
      remedy:
        "Set `ssl` to what the server offers ('disable', 'require', 'verify-full'); for a private authority, set `sslRootCertificate`.",
      cause: thrown,
    });
  }
  return new Problem('BRM-PG-UNREACHABLE', `Cannot reach Postgres at ${place}: ${reasonOf(code, text)}.`, {
    kind: 'retry',
    remedy:
      'Check host and port, that the server runs, and that its listen_addresses and firewalls let this machine in.',
    cause: thrown,
  });
}

function reasonOf(code: string | undefined, text: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    case 'ENOENT':
      return 'there is no such socket';
    default:
      return /timeout/i.test(text) ? 'it did not answer in time' : text;
  }
}
