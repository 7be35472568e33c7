import {
  AppShell,
  Burger,
  Button,
  Group,
  NavLink,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import type { Session } from '@brimful/api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useClient } from '../server/server-context.tsx';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { AlertBadge } from '../alert/alert-badge.tsx';
import { localZone } from '../words/moment.ts';
import { useClock } from './clock.tsx';
import { ConnectionNote } from './connection-note.tsx';
import classes from './frame.module.css';

const PLACES = [
  { to: '/', label: 'Overview' },
  { to: '/graph', label: 'Graph' },
  { to: '/sources', label: 'Sources', also: '/add/source' },
  { to: '/collections', label: 'Collections' },
  { to: '/destinations', label: 'Destinations', also: '/add/destination' },
  { to: '/runs', label: 'Runs' },
  { to: '/publications', label: 'Publications' },
  { to: '/alerts', label: 'Alerts' },
  { to: '/logs', label: 'Logs' },
  { to: '/settings', label: 'Settings' },
] as const;

type Place = (typeof PLACES)[number];

function isAt(pathname: string, place: Place): boolean {
  if (place.to === '/') return pathname === '/';
  return pathname.startsWith(place.to) || ('also' in place && pathname.startsWith(place.also));
}

/** What is around every page. */
export function Frame() {
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="lg"
    >
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Link to="/" className={classes.brand}>
              <span className={classes.cup} aria-hidden="true" />
              Brimful
            </Link>
            <ConnectionNote />
          </Group>
          <Switches />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Places">
        {PLACES.map((place) => {
          const { to, label } = place;
          const active = isAt(pathname, place);
          return (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              rightSection={to === '/alerts' ? <AlertBadge /> : null}
              active={active}
              aria-current={active ? 'page' : undefined}
              onClick={close}
              className={classes.place ?? ''}
            />
          );
        })}
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <div className={classes.content}>
          <Outlet />
        </div>
      </AppShell.Main>
    </AppShell>
  );
}

function Switches() {
  const { zone, toggle } = useClock();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Group gap={4} wrap="nowrap">
      <Button
        size="compact-sm"
        variant="default"
        onClick={toggle}
        aria-label={`Times are in ${zone === 'UTC' ? 'UTC' : localZone()}. Change`}
      >
        {zone === 'UTC' ? 'UTC' : localZone()}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setColorScheme(other)}>
        <Text span inherit visibleFrom="xs">
          {other === 'dark' ? 'Dark' : 'Light'}
        </Text>
        <span className="for-screen-readers"> colours</span>
      </Button>
      <SignOut />
    </Group>
  );
}

/** Nothing where nobody had to sign in. */
function SignOut() {
  const client = useClient();
  const queries = useQueryClient();
  const session = queries.getQueryData<Session>(['session']);
  const signingOut = useMutation({
    mutationFn: () => client.signOut(),
    onSuccess: (now) => queries.setQueryData(['session'], now),
  });
  if (session?.authentication !== 'required') return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={signingOut.isPending}
      onClick={() => signingOut.mutate()}
    >
      Sign out
    </Button>
  );
}
