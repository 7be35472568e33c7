import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { AlertsPage } from '../alert/alerts-page.tsx';
import { CapturePage } from '../capture/capture-page.tsx';
import { CollectionPage } from '../collection/collection-page.tsx';
import { CollectionsPage } from '../collection/collections-page.tsx';
import { EditPage } from '../edit/edit-page.tsx';
import { EditMaterializationPage } from '../edit/edit-materialization-page.tsx';
import { GraphPage } from '../graph/graph-page.tsx';
import type { LogsStart } from '../logs/logs-page.tsx';
import { LogsPage } from '../logs/logs-page.tsx';
import { MaterializationPage } from '../materialization/materialization-page.tsx';
import { MaterializationsPage } from '../materialization/materializations-page.tsx';
import { OverviewPage } from '../overview/overview-page.tsx';
import { PlanPage } from '../plan/plan-page.tsx';
import { PublicationPage } from '../publication/publication-page.tsx';
import { PublicationsPage } from '../publication/publications-page.tsx';
import { RunPage } from '../run/run-page.tsx';
import { RunsPage } from '../run/runs-page.tsx';
import { SourcesPage } from '../sources/sources-page.tsx';
import { SettingsPage } from '../settings/settings-page.tsx';
import type { EditStart } from '../edit/edit-page.tsx';
import type { WizardStart } from '../wizard/wizard-page.tsx';
import { WizardPage } from '../wizard/wizard-page.tsx';
import { Frame } from './frame.tsx';
import { NotFound } from './not-found.tsx';

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound });
const parent = { getParentRoute: () => root };

/** What edits the catalog reads YAML: only who edits loads it. */
const importAddPages = () => import('../catalog/add-page.tsx');

/** Names have slashes in them: `$name` is one encoded part of the path. */
const routes = [
  createRoute({ ...parent, path: '/', component: OverviewPage }),
  createRoute({
    ...parent,
    path: '/graph',
    component: GraphPage,
    validateSearch: (search): { run?: string } =>
      typeof search['run'] === 'string' ? { run: search['run'] } : {},
  }),
  createRoute({ ...parent, path: '/sources', component: SourcesPage }),
  createRoute({ ...parent, path: '/sources/$name', component: CapturePage }),
  createRoute({
    ...parent,
    path: '/sources/$name/edit',
    component: EditPage,
    validateSearch: (search): EditStart =>
      search['tab'] === 'configuration' ? { tab: 'configuration' } : {},
  }),
  createRoute({
    ...parent,
    path: '/add/source',
    component: lazyRouteComponent(importAddPages, 'AddCapturePage'),
  }),
  createRoute({ ...parent, path: '/collections', component: CollectionsPage }),
  createRoute({ ...parent, path: '/collections/$name', component: CollectionPage }),
  createRoute({ ...parent, path: '/destinations', component: MaterializationsPage }),
  createRoute({ ...parent, path: '/destinations/$name', component: MaterializationPage }),
  createRoute({ ...parent, path: '/destinations/$name/edit', component: EditMaterializationPage }),
  createRoute({
    ...parent,
    path: '/add/destination',
    component: lazyRouteComponent(importAddPages, 'AddMaterializationPage'),
  }),
  createRoute({
    ...parent,
    path: '/backfill',
    component: WizardPage,
    validateSearch: (search): WizardStart => ({
      ...(typeof search['task'] === 'string' ? { task: search['task'] } : {}),
      ...(typeof search['binding'] === 'string' ? { binding: search['binding'] } : {}),
      ...(typeof search['mode'] === 'string' ? { mode: search['mode'] } : {}),
    }),
  }),
  createRoute({ ...parent, path: '/plans/$id', component: PlanPage }),
  createRoute({ ...parent, path: '/alerts', component: AlertsPage }),
  createRoute({
    ...parent,
    path: '/logs',
    component: LogsPage,
    validateSearch: (search): LogsStart =>
      typeof search['task'] === 'string' ? { task: search['task'] } : {},
  }),
  createRoute({ ...parent, path: '/settings', component: SettingsPage }),
  createRoute({ ...parent, path: '/runs', component: RunsPage }),
  createRoute({ ...parent, path: '/runs/$id', component: RunPage }),
  createRoute({ ...parent, path: '/publications', component: PublicationsPage }),
  createRoute({ ...parent, path: '/publications/$number', component: PublicationPage }),
] as const;

export const router = createRouter({ routeTree: root.addChildren(routes), defaultPreload: false });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
