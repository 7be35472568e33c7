import type { BackfillPlan } from '@brimful/model';
import { Estimated } from '../parts/estimated.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { bytes, count, duration } from '../words/quantity.ts';

/** What the run costs, everybody whom it costs something. */
export function PlanEstimate({ plan }: { readonly plan: BackfillPlan }) {
  const { estimate } = plan;
  const { seconds, price, walHeadroomBytes } = estimate;
  return (
    <Facts>
      <Fact
        name="Rows"
        note={<Estimated text={bytes(estimate.bytes.value)} quality={estimate.bytes.quality} />}
      >
        <Estimated text={count(estimate.rows.value)} quality={estimate.rows.quality} />
      </Fact>
      <Fact name="Takes" note={`rates from ${estimate.basedOn}`}>
        <Estimated text={`${duration(seconds.from)} – ${duration(seconds.to)}`} quality={seconds.quality} />
      </Fact>
      <Fact
        name="Source reads"
        note={`keeps up to ${bytes(estimate.walBytes)} of log${walHeadroomBytes === null ? '' : ` of ${bytes(walHeadroomBytes)}`}`}
      >
        {bytes(estimate.sourceBytesRead)}
      </Fact>
      <Fact name="Destinations write" note={`${count(estimate.destinationRowsWritten)} rows`}>
        {bytes(estimate.destinationBytesWritten)}
      </Fact>
      <Fact name="Space meanwhile" note={`${bytes(estimate.peakDestinationBytes)} at destinations`}>
        {bytes(estimate.peakLocalBytes)} here
      </Fact>
      <Fact
        name="Tables missing for readers"
        note={price === null ? 'no price file' : price.lines.join(', ')}
      >
        {estimate.downtimeSeconds === 0 ? 'never' : duration(estimate.downtimeSeconds)}
        {price === null ? '' : ` · ${price.amount.toFixed(2)} ${price.currency}`}
      </Fact>
    </Facts>
  );
}
