import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { ServerClient } from '../server/server-client.ts';
import { ServerProvider } from '../server/server-context.tsx';
import { ClockProvider } from './clock.tsx';
import { router } from './router.tsx';
import { SignedIn } from './signed-in.tsx';
import { THEME } from './theme.ts';

export function App() {
  const [client] = useState(() => new ServerClient());
  const [queries] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: 1, staleTime: 2000 } } }),
  );
  return (
    <MantineProvider theme={THEME} defaultColorScheme="auto">
      <ClockProvider>
        <QueryClientProvider client={queries}>
          <SignedIn client={client}>
            <ServerProvider client={client}>
              <RouterProvider router={router} />
            </ServerProvider>
          </SignedIn>
        </QueryClientProvider>
      </ClockProvider>
    </MantineProvider>
  );
}
