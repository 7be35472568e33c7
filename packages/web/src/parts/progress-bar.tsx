import { percent } from '../words/quantity.ts';
import classes from './progress-bar.module.css';

interface ProgressBarProps {
  /** 0 to 1. */
  readonly done: number;
  readonly label: string;
  readonly tone?: 'busy' | 'wait' | 'bad' | 'good';
  readonly wide?: boolean;
}

/** How much of something is done, as a bar and as a number. */
export function ProgressBar({ done, label, tone = 'busy', wide = false }: ProgressBarProps) {
  const part = Math.max(0, Math.min(1, done));
  return (
    <span className={classes.progress} data-wide={wide || undefined}>
      <span
        className={classes.track}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
      >
        <span
          className={classes.bar}
          data-tone={part >= 1 && tone === 'busy' ? 'good' : tone}
          style={{ width: `${part * 100}%` }}
        />
      </span>
      <span className={classes.number}>{percent(part)}</span>
    </span>
  );
}
