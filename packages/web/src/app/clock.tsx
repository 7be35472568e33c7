import type { ReactNode } from 'react';
import { createContext, use, useMemo, useState } from 'react';
import type { ClockZone } from '../words/moment.ts';

interface Clock {
  readonly zone: ClockZone;
  readonly toggle: () => void;
}

const STORAGE_KEY = 'brimful-clock';
const ClockContext = createContext<Clock>({ zone: 'UTC', toggle: () => {} });

/** In which zone times are shown. Remembered in the browser. */
export function ClockProvider({ children }: { readonly children: ReactNode }) {
  const [zone, setZone] = useState<ClockZone>(() =>
    localStorage.getItem(STORAGE_KEY) === 'local' ? 'local' : 'UTC',
  );
  const clock = useMemo(
    () => ({
      zone,
      toggle: () => {
        const next = zone === 'UTC' ? 'local' : 'UTC';
        localStorage.setItem(STORAGE_KEY, next);
        setZone(next);
      },
    }),
    [zone],
  );
  return <ClockContext value={clock}>{children}</ClockContext>;
}

export function useClock(): Clock {
  return use(ClockContext);
}
