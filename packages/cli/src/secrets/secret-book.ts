import type { SecretCalls } from '@brimful/control';
import type { SecretSummary } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Registry } from '@brimful/store';
import type { Sealed } from './secret-box.ts';
import { seal, unseal } from './secret-box.ts';
import { secretKey } from './secret-key.ts';

const SECRETS = 'secrets/';

interface Kept extends SecretSummary {
  readonly sealed: Sealed;
}

export interface SecretBookOptions {
  readonly registry: Registry;
  /** Where the key may be. */
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Told of every value that is kept, so that it is taken out of what is shown. */
  readonly onPut?: (value: string) => void;
}

/** Secrets at rest, in the store's registry, sealed: `${NAME}` in the catalog means them where the environment has no such variable. (Invariant 10) */
export class SecretBook implements SecretCalls {
  readonly #options: SecretBookOptions;

  constructor(options: SecretBookOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly SecretSummary[]> {
    const records = await this.#options.registry.list<Kept>(SECRETS);
    return records.map(({ value: { name, at, who } }) => ({ name, at, who }));
  }

  async put(name: string, value: string, who: string): Promise<SecretSummary> {
    const { registry, dataDirectory, environment, now, onPut } = this.#options;
    const key = secretKey(dataDirectory, environment, true);
    if (key === undefined) throw noKey();
    const summary = { name, at: now(), who };
    await registry.put<Kept>(SECRETS + name, { ...summary, sealed: seal(key, name, value) });
    onPut?.(value);
    return summary;
  }

  /** Throws `BRM-SECRET-UNKNOWN`. */
  async remove(name: string): Promise<void> {
    const record = await this.#options.registry.get(SECRETS + name);
    if (record === undefined) {
      throw new Problem('BRM-SECRET-UNKNOWN', `There is no secret ${name}.`, {
        remedy: 'See: brimful secret list',
        at: { secret: name },
      });
    }
    await this.#options.registry.remove(SECRETS + name, record.revision);
  }

  /** Those of these names that there are, for the configuration and nothing else. Throws `BRM-SECRET-KEY`. */
  async values(names: ReadonlySet<string>): Promise<Readonly<Record<string, string>>> {
    const { registry, dataDirectory, environment } = this.#options;
    const records = (await registry.list<Kept>(SECRETS)).filter(({ value }) => names.has(value.name));
    if (records.length === 0) return {};
    const key = secretKey(dataDirectory, environment, false);
    if (key === undefined) throw noKey();
    return Object.fromEntries(
      records.map(({ value: { name, sealed } }) => [name, unseal(key, name, sealed)]),
    );
  }
}

function noKey(): Problem {
  return new Problem('BRM-SECRET-KEY', 'The key that secrets are kept under is not there.', {
    remedy: 'Set BRIMFUL_SECRET_KEY, or put secret.key back into the data directory.',
  });
}
