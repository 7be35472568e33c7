import type { ReactNode } from 'react';
import { useState } from 'react';

interface LazyDetailsProps {
  readonly summary: ReactNode;
  readonly children: () => ReactNode;
}

/** What is folded away is not drawn either: of a thousand tables it is most of a page. */
export function LazyDetails({ summary, children }: LazyDetailsProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="quiet">{summary}</summary>
      {isOpen && children()}
    </details>
  );
}
