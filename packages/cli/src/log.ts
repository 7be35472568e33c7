import type { Logger } from '@brimful/connector';
import { toProblem } from '@brimful/model';
import { pino } from 'pino';
import type { Output } from './output.ts';
import type { Screen } from './terminal/screen.ts';
import { harmless } from './terminal/width.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** One JSON object a line, for machines. */
export function jsonLog(output: Output, level: LogLevel): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: asRecord, problem: asRecord, err: asRecord },
    },
    // Invariant 10: the last thing before a line leaves is to take the secrets out.
    { write: (line: string) => output.stdout.write(output.redact(line)) },
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}

function asRecord(thrown: unknown): unknown {
  return thrown instanceof Error ? { ...toProblem(thrown).toJSON(), stack: thrown.stack } : thrown;
}

/** A line a message for people, above whatever is drawn; `info` and `debug` only where asked for. */
export function terminalLog(output: Output, screen: Screen | undefined, level: LogLevel): Logger {
  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return () => {};
    return (fields: object, message: string) => {
      const time = new Date().toTimeString().slice(0, 8);
      const mark = own === 'error' ? output.colors.red(own) : output.colors.yellow(own);
      const text = `${output.colors.dim(time)} ${mark} ${output.redact(harmless(`${message}${fieldsText(fields)}`))}`;
      if (screen === undefined) output.stderr.write(`${text}\n`);
      else screen.above(text);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function fieldsText(fields: object): string {
  const parts = Object.entries(fields).map(([name, value]) => {
    if (value instanceof Error) {
      const problem = toProblem(value);
      return `${problem.message} [${problem.code}]`;
    }
    return `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
  });
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
