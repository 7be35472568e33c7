const ZERO = 48;

/** Canonical decimal text without the zeros that do not change its value: `-0.50` is `-0.5`, `1.00` is `1`, `-0` is `0`. */
export function normalizeDecimal(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  // NaN, Infinity, -Infinity.
  if (last > 57) return text;
  const dot = text.indexOf('.');
  let end = text.length;
  if (dot >= 0) {
    while (end > dot && text.charCodeAt(end - 1) === ZERO) end -= 1;
    if (end === dot + 1) end = dot;
  }
  const sign = text.charCodeAt(0) === 45 ? 1 : 0;
  let start = sign;
  const whole = dot >= 0 ? dot : end;
  while (start < whole - 1 && text.charCodeAt(start) === ZERO) start += 1;
  const digits = start === 0 && end === text.length ? text : text.slice(start, end);
  return sign === 1 && digits !== '0' ? `-${digits}` : digits;
}
