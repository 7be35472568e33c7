import { createHash, randomBytes } from 'node:crypto';
import type { AccessState } from '@brimful/api';
import { Problem } from '@brimful/model';
import { HashedPassword } from './password.ts';

export interface AccessSettings {
  readonly password: string | undefined;
  /** By the name that is written down for what is done with it. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** Who asks. `local`: nothing is configured, and only this machine can ask. */
export interface Caller {
  readonly who: string;
  readonly by: 'local' | 'token' | 'session';
  /** Of a session: what its writes must carry. */
  readonly csrfToken: string | null;
}

interface Session {
  readonly csrfToken: string;
  readonly endsAt: number;
}

export const SESSION_MILLISECONDS = 12 * 3_600_000;
const SESSIONS_LIMIT = 100;
/** Wrong passwords from one address before it must wait; from all together, before everybody must. */
export const TRIES_LIMIT = 5;
const ALL_TRIES_LIMIT = 50;
export const TRIES_MILLISECONDS = 15 * 60_000;

const ADMIN = 'admin';

/** Who may do what. There is one role today: whoever is let in may do everything. */
export class Access {
  readonly #password: HashedPassword | undefined;
  /** By the hash of the token, which is not kept. */
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #sessions = new Map<string, Session>();
  readonly #now: () => number;
  /** By the name of the token. */
  readonly #usedAt = new Map<string, number>();
  #failures: { readonly address: string; readonly at: number }[] = [];
  /** One at a time: each takes 19 MiB. (Invariant 9) */
  #trying: Promise<unknown> = Promise.resolve();

  private constructor(password: HashedPassword | undefined, settings: AccessSettings, now: () => number) {
    this.#password = password;
    this.#tokens = new Map(Object.entries(settings.tokens).map(([who, token]) => [digest(token), who]));
    this.#now = now;
  }

  static async create(settings: AccessSettings, now: () => number): Promise<Access> {
    const { password } = settings;
    return new Access(password === undefined ? undefined : await HashedPassword.of(password), settings, now);
  }

  /** Whether somebody must be signed in. */
  get isRequired(): boolean {
    return this.#password !== undefined || this.#tokens.size > 0;
  }

  /** Who can come in, by name. Tokens and the password themselves are not kept. */
  state(): AccessState {
    const now = this.#now();
    return {
      hasPassword: this.#password !== undefined,
      sessions: [...this.#sessions.values()].filter(({ endsAt }) => endsAt > now).length,
      tokens: [...this.#tokens.values()].map((name) => ({
        name,
        lastUsedAt: this.#usedAt.get(name) ?? null,
      })),
    };
  }

  /** Undefined: nobody we know. */
  caller(authorization: string | undefined, sessionId: string | undefined): Caller | undefined {
    if (!this.isRequired) return { who: 'local', by: 'local', csrfToken: null };
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token !== undefined) {
      const who = this.#tokens.get(digest(token));
      if (who === undefined) return undefined;
      this.#usedAt.set(who, this.#now());
      return { who, by: 'token', csrfToken: null };
    }
    if (sessionId === undefined) return undefined;
    const key = digest(sessionId);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (session.endsAt > this.#now()) return { who: ADMIN, by: 'session', csrfToken: session.csrfToken };
    this.#sessions.delete(key);
    return undefined;
  }

  /** The id of a new session. Throws `BRM-API-PASSWORD`, and `BRM-API-TRIES` after too many wrong ones. */
  async signIn(password: string, address: string): Promise<string> {
    const right = this.#trying.then(() => this.#isRight(password, address));
    this.#trying = right.catch(() => undefined);
    if (!(await right)) {
      throw new Problem('BRM-API-PASSWORD', 'This is not the password.', {
        remedy: 'It is `server.password` in the configuration of `brimful up`.',
      });
    }
    if (this.#sessions.size >= SESSIONS_LIMIT) this.#forgetOldest();
    const id = randomBytes(32).toString('base64url');
    const csrfToken = randomBytes(32).toString('base64url');
    this.#sessions.set(digest(id), { csrfToken, endsAt: this.#now() + SESSION_MILLISECONDS });
    return id;
  }

  signOut(sessionId: string): void {
    this.#sessions.delete(digest(sessionId));
  }

  async #isRight(password: string, address: string): Promise<boolean> {
    const since = this.#now() - TRIES_MILLISECONDS;
    this.#failures = this.#failures.filter(({ at }) => at > since);
    const own = this.#failures.filter((failure) => failure.address === address).length;
    if (own >= TRIES_LIMIT || this.#failures.length >= ALL_TRIES_LIMIT) {
      throw new Problem('BRM-API-TRIES', 'There were too many wrong passwords.', {
        kind: 'retry',
        remedy: 'Wait a quarter of an hour.',
      });
    }
    if (this.#password !== undefined && (await this.#password.equals(password))) return true;
    this.#failures.push({ address, at: this.#now() });
    return false;
  }

  #forgetOldest(): void {
    const oldest = this.#sessions.keys().next().value;
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/** Of secrets with more entropy than anybody can try: no salt is needed, and looking one up tells nothing by its time. */
function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
