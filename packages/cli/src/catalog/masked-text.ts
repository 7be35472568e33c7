import { sameLines } from '@brimful/control';
import type { CatalogProblem } from '@brimful/model';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { hideVariables, isOneVariable } from '../config/interpolation.ts';
import { isSecretName, redactor } from '../redact.ts';

const MASK = '***';

/**
 * The text without the secrets that stand in it literally; `${NAME}` stays as it is. It has the same lines. (Invariant 10)
 */
export function maskedText(text: string): string {
  const { text: hidden } = hideVariables(text);
  const document = parseDocument(hidden, { prettyErrors: false });
  const secrets: { readonly from: number; readonly to: number }[] = [];
  visit(document, {
    Scalar(key, node, path) {
      if (key === 'key' || !node.range || typeof node.value === 'boolean' || node.value === null) return;
      const fields = path.flatMap((step) =>
        'key' in step && isScalar(step.key) ? [String(step.key.value)] : [],
      );
      // Whoever has the address of a webhook can write to it.
      const isSecret = fields.some((field) => isSecretName(field) || field === 'webhook');
      if (!isSecret || (typeof node.value === 'string' && isOneVariable(node.value))) return;
      secrets.push({ from: node.range[0], to: node.range[1] });
    },
    // A key that is a map is nobody's secret.
    Pair(_key, pair) {
      return isMap(pair.key) ? visit.SKIP : undefined;
    },
  });
  let masked = text;
  for (const { from, to } of secrets.sort((a, b) => b.from - a.from))
    masked = masked.slice(0, from) + maskedLines(masked.slice(from, to)) + masked.slice(to);
  return redactor()(masked);
}

/** As many lines as before. */
function maskedLines(secret: string): string {
  const lines = secret.split('\n');
  const isBlock = /^[|>]/.test(secret);
  return lines
    .map((line, index) =>
      (isBlock && index === 0) || line.trim() === '' ? line : line.replace(/\S.*$/u, MASK),
    )
    .join('\n');
}

export type Restored =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly CatalogProblem[] };

/**
 * What somebody made of a masked text, with the secrets of the lines that stayed as they were shown. A line that was changed, or
 * cannot be told from another, has to say its secret again.
 */
export function restoredText(edited: string, original: string): Restored {
  const masked = maskedText(original);
  if (masked === original || !edited.includes(MASK)) return { ok: true, text: edited };
  const same = sameLines(masked, edited);
  const shown = masked.split('\n');
  const written = original.split('\n');
  const lines = edited.split('\n');
  const problems: CatalogProblem[] = [];
  const counts = (all: readonly string[], line: string): number => all.filter((one) => one === line).length;
  const text = lines.map((line, index) => {
    if (!line.includes(MASK)) return line;
    const from = same.get(index + 1);
    const found = from === undefined ? undefined : written[from - 1];
    const meanings = new Set(shown.flatMap((one, place) => (one === line ? [written[place]] : [])));
    const isClear = meanings.size <= 1 || counts(shown, line) === counts(lines, line);
    if (found !== undefined && isClear) return found;
    problems.push(secretProblem(index + 1, line.indexOf(MASK) + 1));
    return line;
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, text: text.join('\n') };
}

function secretProblem(line: number, column: number): CatalogProblem {
  return {
    code: 'BRM-CATALOG-SECRET',
    message: `Line ${line} was changed where a secret stands that is not shown.`,
    line,
    column,
    remedy:
      'Write a reference instead, for example ${SHOP_PASSWORD}, and set that variable; or write the secret again.',
  };
}
