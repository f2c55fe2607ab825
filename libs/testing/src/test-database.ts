import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDataSource,
  platformMigrations,
  runMigrations,
  startEmbeddedPostgres,
  type DatabaseAddress,
  type DatabaseRole,
  type Migration,
} from '@signet/platform';
import type { DataSource } from 'typeorm';

export interface TestDatabase {
  dataSource: DataSource;
  /** The real PostgreSQL's URL of this database; absent on the embedded one. */
  url?: string;
  /** A connection with a service's grants; only where a real PostgreSQL is there. */
  as(role: DatabaseRole): Promise<DataSource>;
  close(): Promise<void>;
}

interface Place {
  address: DatabaseAddress;
  url?: string;
  remove(): Promise<void>;
}

async function onServer(serverUrl: string): Promise<Place> {
  const name = `signet_test_${randomUUID().replaceAll('-', '')}`;
  const server = await createDataSource({
    address: { url: serverUrl },
    migrations: [],
    applicationName: 'test',
    poolSize: 1,
  }).initialize();
  await server.query(`CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    address: { url: url.href },
    url: url.href,
    async remove() {
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.destroy();
    },
  };
}

async function inProcess(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'signet-test-'));
  const server = await startEmbeddedPostgres(join(directory, 'postgres'));
  return {
    address: { socketDirectory: server.socketDirectory },
    async remove() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A fresh, migrated database: on the real PostgreSQL where SIGNET_TEST_DATABASE_URL names one, else the embedded one. */
export async function openTestDatabase(migrations: readonly Migration[]): Promise<TestDatabase> {
  const serverUrl = process.env['SIGNET_TEST_DATABASE_URL'];
  const place = serverUrl ? await onServer(serverUrl) : await inProcess();
  const all = [...platformMigrations, ...migrations];
  const open = (role?: DatabaseRole): Promise<DataSource> =>
    createDataSource({ address: place.address, migrations: all, role, applicationName: 'test' }).initialize();
  const dataSource = await open();
  await runMigrations(dataSource);
  const opened = [dataSource];
  return {
    dataSource,
    url: place.url,
    async as(role) {
      const asRole = await open(role);
      opened.push(asRole);
      return asRole;
    },
    async close() {
      for (const source of opened) await source.destroy();
      await place.remove();
    },
  };
}
