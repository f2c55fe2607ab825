// Copies of a code, for benchmarks that need more of them than the API makes in an hour: rows of PostgreSQL and hashes of
// Redis, as creating each would have left them, but for their history.
import { Redis } from 'ioredis';
import pg from 'pg';

const COPIED_AT_ONCE = 5000;

/**
 * The database is the benchmark's own: it loses its indexes for searching.
 * @param {{databaseUrl: string, redisUrl: string, prefix: string, count: number}} options the code at the slug
 *   `prefix` and 0 becomes `count` codes, whose slugs end in the numbers below it
 */
export async function copyCode({ databaseUrl, redisUrl, prefix, count }) {
  const database = new pg.Client({ connectionString: databaseUrl });
  const redis = new Redis(redisUrl);
  await database.connect();
  try {
    const first = `${prefix}0`;
    const keyOf = (slug) => `signet:code:{${slug}}`;
    const template = await redis.hgetall(keyOf(first));
    const snapshot = JSON.parse(template.snapshot);
    // They take most of the time, and nobody searches here. What keeps slugs and ids unique stays.
    const { rows: indexes } = await database.query(
      `SELECT indexrelid::regclass AS name FROM pg_index
       WHERE indrelid = 'codes.codes'::regclass AND NOT indisunique`,
    );
    for (const { name } of indexes) await database.query(`DROP INDEX ${name}`);
    // All that PostgreSQL does not work out by itself.
    const { rows: columns } = await database.query(
      `SELECT quote_ident(column_name) AS name FROM information_schema.columns
       WHERE table_schema = 'codes' AND table_name = 'codes' AND is_generated = 'NEVER'`,
    );
    const names = columns.map(({ name }) => name).join(', ');
    for (let from = 1; from < count; from += COPIED_AT_ONCE) {
      const through = Math.min(count, from + COPIED_AT_ONCE) - 1;
      const { rows } = await database.query(
        `INSERT INTO codes.codes (${names})
         SELECT ${names} FROM (
           SELECT copy.*
           FROM codes.codes AS code, generate_series($3::int, $4::int) AS number,
             LATERAL jsonb_populate_record(code, jsonb_build_object(
               'id', gen_random_uuid(), 'slug', $1::text || number, 'slug_key', $1::text || number)) AS copy
           WHERE code.slug_key = $2
         ) AS copies
         RETURNING id, slug`,
        [prefix, first, from, through],
      );
      const pipeline = redis.pipeline();
      for (const { id, slug } of rows)
        pipeline.hset(keyOf(slug), { ...template, snapshot: JSON.stringify({ ...snapshot, id, slug }) });
      await pipeline.exec();
    }
  } finally {
    redis.disconnect();
    await database.end();
  }
}
