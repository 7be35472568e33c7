import type { EstimateQuality } from '@brimful/model';
import { Tooltip } from '@mantine/core';
import { QUALITY_MARKS, QUALITY_WORDS } from '../words/quantity.ts';

interface EstimatedProps {
  readonly text: string;
  readonly quality: EstimateQuality | 'unknown';
}

/** A number with the mark of how much it can be trusted. */
export function Estimated({ text, quality }: EstimatedProps) {
  if (quality === 'unknown') return <span title={QUALITY_WORDS.unknown}>unknown</span>;
  return (
    <Tooltip label={QUALITY_WORDS[quality]} withArrow>
      <span>
        <span aria-hidden="true" className="quiet">
          {QUALITY_MARKS[quality]}{' '}
        </span>
        {text}
        <span className="for-screen-readers"> ({QUALITY_WORDS[quality]})</span>
      </span>
    </Tooltip>
  );
}
