// PostgreSQL (PGlite) in a thread of its own, so that a long statement never blocks the event loop that redirects.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { z } from 'zod';

const { directory, socket } = z.object({ directory: z.string(), socket: z.string() }).parse(workerData);
const database = await PGlite.create(directory);
keepExchangesWhole(database);
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

/**
 * The socket server runs the protocol's messages of all clients in one session and keeps those of a transaction together
 * (it asks `isInTransaction`), but not those of one query outside of any: Parse of one client, Parse of another, and the
 * Bind of the first would run the second's statement. So an exchange counts as a transaction until its Sync.
 */
function keepExchangesWhole(pglite: PGlite): void {
  const partsOfAnExchange = new Set(Buffer.from('PBDECH'));
  const run = pglite.execProtocolRawStream.bind(pglite);
  const isInTransaction = pglite.isInTransaction.bind(pglite);
  let exchangeIsOpen = false;
  pglite.execProtocolRawStream = (message, options) => {
    exchangeIsOpen = partsOfAnExchange.has(message[0] ?? 0);
    return run(message, options);
  };
  pglite.isInTransaction = () => exchangeIsOpen || isInTransaction();
}
