import type { ReactNode } from 'react';
import classes from './fact.module.css';

export interface FactProps {
  readonly name: string;
  readonly children: ReactNode;
  readonly note?: ReactNode;
}

/** One number with its name: what a page is opened for, at its top. */
export function Fact({ name, children, note }: FactProps) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd className={classes.note}>{note}</dd>}
    </div>
  );
}

export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>;
}
