import { EmptyState } from '../parts/empty-state.tsx';
import { Page } from '../parts/page.tsx';

export function NotFound() {
  return (
    <Page title="Not found">
      <EmptyState title="There is nothing at this address">
        It may have been renamed or removed. Start from the sources or the runs on the left.
      </EmptyState>
    </Page>
  );
}
