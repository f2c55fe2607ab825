import type { DataSource } from 'typeorm';

/** @param key the one that becomes the day's when no process was faster @returns the day's key, the same for all */
export async function ensureGrantKey(dataSource: DataSource, day: string, key: Buffer): Promise<Buffer | undefined> {
  await dataSource.query('INSERT INTO files.grant_keys (day, key) VALUES ($1, $2) ON CONFLICT DO NOTHING', [day, key]);
  return findGrantKey(dataSource, day);
}

export async function findGrantKey(dataSource: DataSource, day: string): Promise<Buffer | undefined> {
  const [row]: { key: Buffer }[] = await dataSource.query('SELECT key FROM files.grant_keys WHERE day = $1', [day]);
  return row?.key;
}

export async function removeGrantKeysBefore(dataSource: DataSource, day: string): Promise<void> {
  await dataSource.query('DELETE FROM files.grant_keys WHERE day < $1', [day]);
}
