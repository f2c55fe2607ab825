import type { DataSource } from 'typeorm';

/** @param salt the one that becomes the day's when no process was faster @returns the day's salt, the same for all */
export async function ensureSalt(dataSource: DataSource, day: string, salt: Buffer): Promise<Buffer | undefined> {
  await dataSource.query('INSERT INTO scans.visitor_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    day,
    salt,
  ]);
  const rows: { salt: Buffer }[] = await dataSource.query('SELECT salt FROM scans.visitor_salts WHERE day = $1', [day]);
  return rows[0]?.salt;
}

export async function removeSaltsThrough(dataSource: DataSource, day: string): Promise<void> {
  await dataSource.query('DELETE FROM scans.visitor_salts WHERE day <= $1', [day]);
}
