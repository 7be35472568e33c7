import type { RunDraftInput } from '@brimful/api';
import type { RunMode } from '@brimful/model';

/** What the wizard's fields hold, as typed. */
export interface WizardForm {
  readonly task: string | null;
  readonly mode: RunMode;
  readonly bindings: readonly string[];
  readonly rows: 'all' | 'time' | 'key' | 'keys';
  readonly time: string;
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  readonly keyFrom: string;
  readonly keyTo: string;
  readonly keys: string;
  readonly missingRows: 'remove' | 'keep';
  readonly rate: string;
  readonly window: string;
  readonly undo: string;
  readonly verify: 'full' | 'counts';
  readonly reason: string;
}

export const EMPTY_FORM: WizardForm = {
  task: null,
  mode: 'reset',
  bindings: [],
  rows: 'all',
  time: '',
  from: '',
  to: '',
  zone: 'UTC',
  keyFrom: '',
  keyTo: '',
  keys: '',
  missingRows: 'remove',
  rate: '',
  window: '',
  undo: '',
  verify: 'full',
  reason: '',
};

/** Only some rows are read again in place; the other modes are about whole tables. */
export function isBounded({ mode }: Pick<WizardForm, 'mode'>): boolean {
  return mode === 'incremental';
}

/** Why nothing can be planned yet; null when it can. The server checks what the words mean. */
export function missingIn(form: WizardForm): string | null {
  if (form.task === null) return 'Choose what it is about.';
  if (form.reason.trim() === '') return 'Say why: it stands in the history of the run.';
  if (!isBounded(form)) return null;
  if (form.rows === 'time' && form.time === '') return 'Name the column of times.';
  if (form.rows === 'time' && form.from === '' && form.to === '')
    return 'Give the range a beginning or an end.';
  if (form.rows === 'key' && form.keyFrom === '' && form.keyTo === '')
    return 'Give the range a first or a last key.';
  if (form.rows === 'keys' && form.keys.trim() === '') return 'Name the keys, one on each line.';
  return null;
}

export function draftOf(form: WizardForm): RunDraftInput {
  const { mode, bindings, missingRows, verify, reason } = form;
  const isRebuild = mode === 'reset' || mode === 'materialization';
  return {
    mode,
    task: form.task ?? '',
    reason,
    verify,
    ...(mode === 'materialization' ? {} : { missingRows }),
    ...(bindings.length === 0 ? {} : { bindings: [...bindings] }),
    ...said('rate', form.rate),
    ...(form.window.trim() === '' ? {} : { windows: [form.window.trim()] }),
    ...(isRebuild ? said('undo', form.undo) : {}),
    ...(isBounded(form) ? boundsOf(form) : {}),
  };
}

function boundsOf(form: WizardForm): Partial<RunDraftInput> {
  if (form.rows === 'time')
    return { time: form.time, zone: form.zone, ...said('from', form.from), ...said('to', form.to) };
  if (form.rows === 'key') return { ...said('keyFrom', form.keyFrom), ...said('keyTo', form.keyTo) };
  if (form.rows === 'keys')
    return {
      keys: form.keys
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    };
  return {};
}

function said(
  name: 'rate' | 'undo' | 'from' | 'to' | 'keyFrom' | 'keyTo',
  value: string,
): Partial<RunDraftInput> {
  return value.trim() === '' ? {} : { [name]: value.trim() };
}
