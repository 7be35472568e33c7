interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths?: object;
  readonly components?: { readonly schemas?: object };
}

interface Described {
  readonly summary?: string;
  readonly description?: string;
  readonly operationId?: string;
  readonly parameters?: readonly unknown[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
}

/** The description of the API as a page without scripts: it works offline, and nothing is loaded from elsewhere. */
export function referencePage(document: Document): string {
  const operations = Object.entries(
    (document.paths ?? {}) as Record<string, Record<string, Described>>,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operation(method, path, one)),
  );
  const schemas = Object.entries((document.components?.schemas ?? {}) as Record<string, unknown>).map(
    ([name, schema]) =>
      `<details id="${safe(name)}"><summary><code>${safe(name)}</code></summary>${json(schema)}</details>`,
  );
  const { title, version, description = '' } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${safe(title)}</title><style>${STYLE}</style></head><body><main>
<h1>${safe(title)} <small>${safe(version)}</small></h1>
<p>${safe(description)}</p><p>For programs: <a href="/openapi.json">openapi.json</a></p>
<h2>Operations</h2>${operations.join('\n')}
<h2>Schemas</h2>${schemas.join('\n')}
</main></body></html>`;
}

function operation(method: string, path: string, one: Described): string {
  const part = (title: string, value: unknown): string =>
    value === undefined || (Array.isArray(value) && value.length === 0)
      ? ''
      : `<h4>${title}</h4>${json(value)}`;
  return `<details><summary><b>${safe(method.toUpperCase())}</b> <code>${safe(path)}</code> ${safe(one.summary ?? '')}</summary>
<p>${safe(one.description ?? '')}</p>${part('Parameters', one.parameters)}${part('Body', one.requestBody)}${part('Answers', one.responses)}</details>`;
}

/** Names of schemas become links to them. */
function json(value: unknown): string {
  const text = safe(JSON.stringify(value, null, 2));
  const linked = text.replaceAll(
    /&quot;#\/components\/schemas\/(\w+)&quot;/g,
    (_match, name: string) => `<a href="#${name}">${name}</a>`,
  );
  return `<pre>${linked}</pre>`;
}

function safe(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}main{max-width:60rem;margin:2rem auto;padding:0 1rem}
details{border-top:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}pre{overflow:auto;font-size:.85rem}`;
