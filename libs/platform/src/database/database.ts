import { Socket } from 'node:net';
import { DataSource } from 'typeorm';
import type { Migration } from './migrations.js';

/** The PostgreSQL roles of the services; the migrations of each context grant what architecture.md §2 gives them. */
export type DatabaseRole = 'signet_enrollment' | 'signet_redirect' | 'signet_verification' | 'signet_analytics';

export type DatabaseAddress = { url: string } | { socketDirectory: string };

export interface DatabaseOptions {
  address: DatabaseAddress;
  migrations: readonly Migration[];
  /** Absent: as the user who connects (migrations, the run in one process). */
  role?: DatabaseRole;
  applicationName: string;
  poolSize?: number;
}

/** A server that works answers or refuses earlier: longer than `statement_timeout`. */
const QUERY_TIMEOUT_MS = 20_000;

/**
 * Ends a connection on which a server says nothing. `pg` gives up the query alone, and what comes after it on the same
 * connection, as the ROLLBACK of its transaction does, would wait as long again.
 */
function impatientSocket(): Socket {
  const socket = new Socket();
  return socket.setTimeout(QUERY_TIMEOUT_MS, () => socket.destroy());
}

/**
 * TypeORM's ordinary `postgres` driver for both runs; SQL is written out in each context's `*.sql.ts`. Without JIT: it
 * takes longer to compile a statement than any of ours to run.
 */
export function createDataSource({
  address,
  migrations,
  role,
  applicationName,
  poolSize = 10,
}: DatabaseOptions): DataSource {
  const embedded = 'socketDirectory' in address;
  return new DataSource({
    type: 'postgres',
    ...(embedded
      ? { host: address.socketDirectory, port: 5432, username: 'postgres', password: 'postgres', database: 'postgres' }
      : { url: address.url }),
    applicationName,
    migrations: [...migrations],
    migrationsTableName: 'signet_migrations',
    // On the embedded database a wait for a connection is a wait for its one session.
    connectTimeoutMS: embedded ? 30_000 : 3000,
    extra: {
      // pglite-socket mixes the protocol messages of several connections in the one session that they share.
      max: embedded ? 1 : poolSize,
      ...(embedded
        ? {}
        : {
            statement_timeout: 15_000,
            query_timeout: QUERY_TIMEOUT_MS,
            stream: impatientSocket,
            idle_in_transaction_session_timeout: 30_000,
            keepAlive: true,
          }),
      options: ['-c jit=off', ...(role ? [`-c role=${role}`] : [])].join(' '),
    },
  });
}
