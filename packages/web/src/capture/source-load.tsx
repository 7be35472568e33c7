import type { CaptureStatus } from '@brimful/model';
import { Section } from '../parts/section.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { isActive } from '../run/run-words.ts';
import { useLive } from '../server/server-context.tsx';
import { byteRate, bytes } from '../words/quantity.ts';

/** What reading costs the source, as far as the pipe says it. */
export function SourceLoad({ capture }: { readonly capture: CaptureStatus }) {
  const { runs } = useLive();
  // Comparing with the source is reading, too.
  const reading = [...runs.values()].find(
    ({ request, state }) => request.task === capture.name && isActive(state),
  );
  const throttle = reading?.throttle.bytesPerSecond ?? null;
  return (
    <Section title="Source load" note="What the source bears because of Brimful.">
      <Facts>
        <Fact name="Log it keeps for us" note="shrinks as changes are journaled">
          {capture.lagBytes === undefined ? 'unknown' : bytes(capture.lagBytes)}
        </Fact>
        <Fact
          name="Reads"
          note={reading === undefined ? 'no run reads from it' : `${reading.id} is ${reading.state}`}
        >
          {byteRate(capture.bindings.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0))}
        </Fact>
        <Fact
          name="Throttle in force"
          note={reading?.because ?? (throttle === null ? 'adapts to the load by itself' : 'set by a person')}
        >
          {throttle === null ? 'Governor' : byteRate(throttle)}
        </Fact>
        <Fact name="Position" note="durable up to here">
          <span className="mono" style={{ fontSize: 'var(--mantine-font-size-sm)' }}>
            {capture.position ?? 'none yet'}
          </span>
        </Fact>
      </Facts>
    </Section>
  );
}
