import { Button, Center, Loader, Paper, PasswordInput, Stack, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { ServerClient } from '../server/server-client.ts';
import { problemOf } from '../server/server-problem.ts';

const RETRY_MILLISECONDS = 2000;

/** Shows what is inside to those who may see it, and a form to the others. */
export function SignedIn({
  client,
  children,
}: {
  readonly client: ServerClient;
  readonly children: ReactNode;
}) {
  const session = useQuery({
    queryKey: ['session'],
    queryFn: () => client.session(),
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: ({ state }) => (state.error === null ? false : RETRY_MILLISECONDS),
  });
  if (session.data !== undefined) {
    const mustSignIn = session.data.authentication === 'required' && session.data.who === null;
    return mustSignIn ? <SignInForm client={client} /> : children;
  }
  return (
    <Center mih="60vh" component="main">
      {session.error === null ? (
        <Loader aria-label="Loading" />
      ) : (
        <ProblemNote problem={problemOf(session.error)} />
      )}
    </Center>
  );
}

function SignInForm({ client }: { readonly client: ServerClient }) {
  const [password, setPassword] = useState('');
  const queries = useQueryClient();
  const signIn = useMutation({
    mutationFn: () => client.signIn(password),
    onSuccess: (session) => queries.setQueryData(['session'], session),
  });
  return (
    <Center mih="80vh" component="main">
      <Paper withBorder p="xl" w={360}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            signIn.mutate();
          }}
        >
          <Stack>
            <Title order={1} size="h3">
              Sign in to Brimful
            </Title>
            <PasswordInput
              label="Admin password"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              autoFocus
            />
            {signIn.error !== null && <ProblemNote problem={problemOf(signIn.error)} />}
            <Button type="submit" loading={signIn.isPending} disabled={password === ''}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
