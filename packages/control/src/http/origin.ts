import { isIP } from 'node:net';
import { Problem } from '@brimful/model';

/** Whether only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

export interface OriginRules {
  /** Where the server listens. */
  readonly host: string;
  /** Other names people reach it by. Beyond loopback, none: any. */
  readonly names: readonly string[];
}

interface Asked {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

/**
 * Refuses what another page's script may have asked for. A name that suddenly means this machine (DNS rebinding) shows in
 * Host; a form or script of another site shows in Origin and Sec-Fetch-Site.
 */
export function checkOrigin({ method, host, origin, fetchSite }: Asked, rules: OriginRules): void {
  const name = nameOf(host ?? '');
  const known = [rules.host, ...rules.names].map((one) => nameOf(one));
  const strict = isLoopback(rules.host) || rules.names.length > 0;
  if (name === '' || (strict && !isLoopback(name) && !known.includes(name))) {
    throw new Problem('BRM-API-HOST', `Nobody is called ${name === '' ? 'nothing' : name} here.`, {
      remedy: 'Use the address that `brimful up` says, or list the name under server.names.',
    });
  }
  if (method === 'GET' || method === 'HEAD') return;
  const isOther = origin !== undefined && authorityOf(origin) !== host?.toLowerCase();
  if (isOther || fetchSite === 'cross-site') {
    throw new Problem('BRM-API-ORIGIN', 'Another site asked for a change.', {
      remedy: 'Make it on the pages that Brimful serves, or with an API token and no browser.',
    });
  }
}

function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
}

function authorityOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
