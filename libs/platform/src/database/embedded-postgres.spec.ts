import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { createDataSource } from './database.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

describe('the embedded PostgreSQL', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-embedded-'));
  let server: EmbeddedPostgres;
  let dataSource: DataSource;

  beforeAll(async () => {
    server = await startEmbeddedPostgres(join(directory, 'postgres'));
    const address = { socketDirectory: server.socketDirectory };
    dataSource = await createDataSource({ address, migrations: [], applicationName: 'test' }).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  it('answers each of many concurrent queries with its own result, also those that waited for a transaction', async () => {
    const asked = Array.from({ length: 200 }, (_, index) => index);
    const answered = await Promise.all(
      asked.map(async (index) => {
        if (index % 4 === 0) await dataSource.transaction((manager) => manager.query('SELECT $1::int', [index]));
        const query = `SELECT $1::int AS asked, ${index}::int AS answered`;
        const rows: { asked: number; answered: number }[] = await dataSource.query(query, [index]);
        return rows[0];
      }),
    );
    expect(answered).toEqual(asked.map((index) => ({ asked: index, answered: index })));
  });
});
