import { startPostgres } from '../postgres.ts';

// Run by postgres.pg.test.ts, which kills it: its server must not outlive it.
const server = await startPostgres();
console.log(`pid ${server.pid} in ${server.dataDirectory}`);
setInterval(() => {}, 1_000);
