// Installs Debian's PostgreSQL server and client (psql, pg_recvlogical), which some tests and all benchmarks use.
// Needs root and apt-get. Does nothing where they are installed, and creates or starts no cluster.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const SERVERS = '/usr/lib/postgresql';
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf';

if (isInstalled()) process.exit(0);
if (process.getuid?.() !== 0) {
  fail(
    "Debian's PostgreSQL is not installed and only root may install it: run `sudo node scripts/install-postgres.mjs`.",
  );
}
aptGet('update');
// First only what all versions share, to tell it that the server package must not create and start a cluster.
aptGet('install', 'postgresql-common');
declineCluster();
aptGet('install', 'postgresql', 'postgresql-client');
if (!isInstalled()) fail(`apt-get installed no server under ${SERVERS}.`);

function isInstalled() {
  const has = (program) => (name) => existsSync(`${SERVERS}/${name}/bin/${program}`);
  const versions = existsSync(SERVERS) ? readdirSync(SERVERS) : [];
  return ['initdb', 'psql', 'pg_recvlogical'].every((program) => versions.some(has(program)));
}

function aptGet(command, ...packages) {
  process.stderr.write(`apt-get ${[command, ...packages].join(' ')} ...\n`);
  const options = ['-y', '-qq', '-o', 'Dpkg::Options::=--force-confold', '--no-install-recommends'];
  const { status, error } = spawnSync('apt-get', [...options, command, ...packages], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error?.code === 'ENOENT')
    fail('There is no apt-get here: install PostgreSQL server and client another way.');
  if (status !== 0) fail(`apt-get ${command} failed (exit code ${status}).`);
}

function declineCluster() {
  const settings = existsSync(CLUSTER_SETTINGS) ? readFileSync(CLUSTER_SETTINGS, 'utf8') : '';
  const others = settings.split('\n').filter((line) => !/^\s*create_main_cluster\b/.test(line));
  writeFileSync(CLUSTER_SETTINGS, `${others.join('\n').trimEnd()}\ncreate_main_cluster = false\n`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
