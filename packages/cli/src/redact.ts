/** Keeps secrets out of everything that is shown or logged. (Invariant 10) */
export type Redact = (text: string) => string;

const SHOWN = '***';
// A password of one or two characters would turn every message into stars.
const SHORTEST_SECRET = 3;
const SECRET_NAME = /pass|secret|token|credential|api_?key|access_?key|private_?key/i;
// Up to the last @ of the word: passwords with an unescaped @ exist. A double quote ends a value in JSON. A reference to a
// variable is no secret.
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"]*:)(?!\$\{\w+\}@[^\s"@]*(?:[\s"]|$))[^\s"]*@/giu;
const ASSIGNED_PASSWORD =
  /\b(password|passwd|pwd|secret|token)(\s*[=:]\s*)(?!["']?\$\{\w+\}["']?(?:[\s&,;}\])]|$))('[^']*'|"[^"]*"|[^\s&,;'"]+)/giu;

/**
 * Replaces what looks like a secret anywhere, and the very secrets of a configuration wherever they turn up.
 *
 * `configs`: connectors' configs, in which fields that are named like secrets and passwords in URLs are found.
 */
export function redactor(
  configs: readonly unknown[] = [],
  environment: readonly { readonly name: string; readonly value: string }[] = [],
): Redact {
  const secrets = new Set<string>();
  for (const config of configs) collect('', config, secrets);
  for (const { name, value } of environment) collect(name, value, secrets);
  // Longest first: a secret that contains another must go as a whole.
  const known = [...secrets]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let redacted = text.replaceAll(URL_PASSWORD, `$1${SHOWN}@`);
    redacted = redacted.replaceAll(
      ASSIGNED_PASSWORD,
      (_match, word: string, equals: string) => `${word}${equals}${SHOWN}`,
    );
    for (const secret of known) redacted = redacted.replaceAll(secret, SHOWN);
    return redacted;
  };
}

/** Whether what has this name is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

function collect(field: string, value: unknown, secrets: Set<string>): void {
  if (typeof value === 'string') {
    if (SECRET_NAME.test(field)) secrets.add(value);
    for (const password of urlPasswords(value)) secrets.add(password);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) collect(name, inner, secrets);
  }
}

/** As written and as decoded: drivers print either. */
function urlPasswords(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const url = new URL(text);
  const written = [
    url.password,
    ...[...url.searchParams].filter(([name]) => SECRET_NAME.test(name)).map(([, value]) => value),
  ];
  return written.filter((password) => password !== '').flatMap((password) => [password, decoded(password)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** So many configurations' secrets are remembered: a message may be on its way for a while. */
const REMEMBERED_LIMIT = 8;

/** Newly kept ones, beside those of configurations. */
const NOTED_LIMIT = 1000;

/** Takes out the secrets of every configuration there was lately, and those that were kept since the start. */
export class Redactions {
  readonly #all: Redact[];
  readonly #noted: string[] = [];
  #redactNoted: Redact = (text) => text;

  constructor(first: Redact) {
    this.#all = [first];
  }

  /** Of the configuration that is in force from now on. */
  add(redact: Redact): void {
    this.#all.push(redact);
    if (this.#all.length > REMEMBERED_LIMIT) this.#all.shift();
  }

  /** One more secret, in force or not. */
  note(secret: string): void {
    this.#noted.push(secret);
    if (this.#noted.length > NOTED_LIMIT) this.#noted.shift();
    this.#redactNoted = redactor(this.#noted.map((one) => ({ secret: one })));
  }

  readonly redact: Redact = (text) =>
    this.#redactNoted(this.#all.reduce((shown, redact) => redact(shown), text));
}
