import type { ReactNode } from 'react';
import classes from './setting-rows.module.css';

export interface Setting {
  readonly name: string;
  readonly value: ReactNode;
  /** What it means where the name does not say it. */
  readonly note?: string;
  /** The field of the configuration in which it is changed. */
  readonly field?: string;
}

/** What is in force, and in which field it is changed. */
export function SettingRows({ settings }: { readonly settings: readonly Setting[] }) {
  return (
    <dl className={classes.rows}>
      {settings.map(({ name, value, note, field }) => (
        <div key={name} className={classes.row}>
          <dt>
            {name}
            {field !== undefined && <code className={classes.field}>{field}</code>}
          </dt>
          <dd>
            <div className={classes.value}>{value}</div>
            {note !== undefined && <div className={classes.note}>{note}</div>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
