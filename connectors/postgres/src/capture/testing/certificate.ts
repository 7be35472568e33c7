import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For 127.0.0.1, vouching for itself until 2126. It is published here and protects nothing. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUaDPmoy59xQgENtLrD1XjKbpeeV8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjE5MDU0N1oYDzIxMjYxMDI5
MTkwNTQ3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASHJqnvSBgmlMF6xdR0mSnWgfWCtYD88RDXZ4iufbztLHMGtqWtyter
x8Mkvb1gf2s/aC6XLcyt12H/Y6MqVPQHo2QwYjAdBgNVHQ4EFgQUyFF52UOWo8Bk
ZOr6cPJ6xUTC+GUwHwYDVR0jBBgwFoAUyFF52UOWo8BkZOr6cPJ6xUTC+GUwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IGUctlY4LXQ9tvD/V51x/em85khwGzUpQyoGmrhoUT5KAiBOc8HGUkSKxA8ocHbE
7+CskUOO03xx8NtS/jbu+EBq6g==
-----END CERTIFICATE-----
`;

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtmReRTJNOkx/Qo7a
ZzNw+RsEagbiJG8GZJdvWD7v/v6hRANCAASHJqnvSBgmlMF6xdR0mSnWgfWCtYD8
8RDXZ4iufbztLHMGtqWtyterx8Mkvb1gf2s/aC6XLcyt12H/Y6MqVPQH
-----END PRIVATE KEY-----
`;

/** Puts certificate and key where a server with this data directory looks for them. */
export function installCertificate(dataDirectory: string): void {
  const { uid, gid } = statSync(dataDirectory);
  for (const [name, text] of [
    ['server.crt', TEST_CERTIFICATE],
    ['server.key', KEY],
  ] as const) {
    const path = join(dataDirectory, name);
    writeFileSync(path, text);
    chownSync(path, uid, gid);
    chmodSync(path, 0o600);
  }
}
