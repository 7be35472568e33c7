import type { ProblemDetails } from '@brimful/api';
import type { Problem } from '@brimful/model';

const STATUSES: Readonly<Record<string, number>> = {
  'BRM-API-REQUEST': 400,
  'BRM-API-SIGN-IN': 401,
  'BRM-API-PASSWORD': 401,
  'BRM-API-CSRF': 403,
  'BRM-API-ORIGIN': 403,
  'BRM-API-UNKNOWN': 404,
  'BRM-API-TOO-LARGE': 413,
  'BRM-API-JSON': 415,
  'BRM-API-HOST': 421,
  'BRM-API-TRIES': 429,
  'BRM-API-TIMEOUT': 504,
};

/** 503: try again later. 422: understood, and refused for a reason that somebody must change. */
export function statusOf({ code, kind }: Problem): number {
  const status = STATUSES[code];
  if (status !== undefined) return status;
  if (code.endsWith('-UNKNOWN')) return 404;
  return kind === 'bug' ? 500 : kind === 'retry' ? 503 : 422;
}

export function problemBody(problem: Problem): ProblemDetails {
  const { code, kind, message, remedy, at } = problem.toJSON();
  return {
    type: `urn:brimful:problem:${code}`,
    title: message.split('\n')[0] ?? message,
    status: statusOf(problem),
    detail: message,
    code,
    kind,
    remedy,
    at: { ...at },
  };
}
