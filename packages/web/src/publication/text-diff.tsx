import type { TextHunk } from '@brimful/model';
import { Fragment } from 'react';
import classes from './text-diff.module.css';

const SIGNS = { same: ' ', added: '+', removed: '−' } as const;
const WORDS = { same: '', added: 'added: ', removed: 'removed: ' } as const;

/** Lines that went and came, with those around them. */
export function TextDiff({ hunks, label }: { readonly hunks: readonly TextHunk[]; readonly label: string }) {
  return (
    <div className={classes.diff} role="group" aria-label={label} tabIndex={0}>
      <table className={classes.lines}>
        <tbody>
          {hunks.map(({ lines }, index) => (
            <Fragment key={lines[0]?.after ?? `before ${lines[0]?.before}`}>
              {index > 0 && (
                <tr className={classes.gap} aria-hidden="true">
                  <td colSpan={4}>⋯</td>
                </tr>
              )}
              {lines.map(({ kind, before, after, text }) => (
                <tr key={`${before} ${after}`} data-kind={kind}>
                  <td className={classes.number}>{before}</td>
                  <td className={classes.number}>{after}</td>
                  <td className={classes.sign} aria-hidden="true">
                    {SIGNS[kind]}
                  </td>
                  <td className={classes.text}>
                    <span className="for-screen-readers">{WORDS[kind]}</span>
                    {text}
                  </td>
                </tr>
              ))}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** For beside a title. */
export function diffSize(hunks: readonly TextHunk[]): string {
  const lines = hunks.flatMap((hunk) => hunk.lines);
  const of = (wanted: string): number => lines.filter(({ kind }) => kind === wanted).length;
  const added = of('added');
  return `${added} ${added === 1 ? 'line' : 'lines'} added, ${of('removed')} removed`;
}
