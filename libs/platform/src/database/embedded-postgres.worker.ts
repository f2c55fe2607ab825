// PostgreSQL (PGlite) in a thread of its own, so that a long statement never blocks the event loop that redirects.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { z } from 'zod';

const { directory, socket } = z.object({ directory: z.string(), socket: z.string() }).parse(workerData);
const database = await PGlite.create(directory, { extensions: { pg_trgm } });
const server = new PGLiteSocketServer({ db: database, path: socket, maxConnections: 20 });
await server.start();
parentPort?.postMessage('ready');
parentPort?.once('message', () => {
  void (async () => {
    await server.stop();
    await database.close();
    parentPort?.postMessage('closed');
  })();
});
