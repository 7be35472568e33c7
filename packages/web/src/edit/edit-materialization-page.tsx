import { useParams } from '@tanstack/react-router';
import { LazyTaskEditor } from '../catalog/lazy-task-editor.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';

export function EditMaterializationPage() {
  const { name } = useParams({ from: '/destinations/$name/edit' });
  return (
    <Page
      title={`Edit ${name}`}
      above={<NameLink kind="materialization" name={name} label="Back to the destination" />}
    >
      <LazyTaskEditor kind="materialization" name={name} />
    </Page>
  );
}
