import type { EntityManager } from 'typeorm';

/** Codes must have all that is given. */
export interface Labels {
  tag?: string;
  /** And the folders below it. */
  folder?: string;
  campaign?: string;
  domain?: string;
}

const LIVE = `state <> 'archived'`;
const ARCHIVED = `phase = 'archived'`;

/**
 * The codes of a workspace by their labels of today, archived ones too, in no order. Reads what analytics may read only.
 * @returns at most `limit` ids
 */
export async function findLabelledCodes(
  manager: EntityManager,
  { workspaceId, limit, ...labels }: Labels & { workspaceId: string; limit: number },
): Promise<string[]> {
  const { sql, values } = labelledCodes(workspaceId, labels);
  const rows: { id: string }[] = await manager.query(`${sql} LIMIT $${values.length + 1}`, [...values, limit]);
  return rows.map(({ id }) => id);
}

/** @returns how many codes `findLabelledCodes` would find, and the sum of their `hashOfCode` */
export async function countLabelledCodes(
  manager: EntityManager,
  { workspaceId, ...labels }: Labels & { workspaceId: string },
): Promise<{ codes: number; members: string }> {
  const { sql, values } = labelledCodes(workspaceId, labels);
  const [row]: { codes: number; members: string }[] = await manager.query(
    `SELECT count(*)::int AS codes, COALESCE(sum(${hashOfCode('id')}), 0)::text AS members FROM (${sql}) AS found`,
    values,
  );
  return row ?? { codes: 0, members: '0' };
}

/** Summed up, it is the same number for the same codes. */
export const hashOfCode = (id: string): string => `uuid_hash_extended(${id}, 0)`;

function labelledCodes(
  workspaceId: string,
  { tag, folder, campaign, domain }: Labels,
): { sql: string; values: unknown[] } {
  const values: unknown[] = [workspaceId];
  const given = (condition: string, ...more: unknown[]): string => {
    const first = values.length + 1;
    values.push(...more);
    return ` AND ${condition.replaceAll(/\?(\d)/g, (_, index: string) => `$${first + Number(index)}`)}`;
  };
  const conditions = [
    ...(tag === undefined ? [] : [given('tags @> ARRAY[?0]::text[]', tag)]),
    // '0' follows '/', so that this is everything that begins with the folder and a slash.
    ...(folder === undefined
      ? []
      : [given('(folder = ?0 OR (folder ~>=~ ?1 AND folder ~<~ ?2))', folder, `${folder}/`, `${folder}0`)]),
    ...(campaign === undefined ? [] : [given('campaign = ?0', campaign)]),
    ...(domain === undefined ? [] : [given('domain = ?0', domain)]),
  ].join('');
  // Each half has the indexes of its state.
  const half = (state: string): string =>
    `SELECT id FROM codes.codes WHERE workspace_id = $1 AND ${state}${conditions}`;
  return { sql: `${half(LIVE)} UNION ALL ${half(ARCHIVED)}`, values };
}

export const LABEL_KINDS = ['tag', 'folder', 'campaign', 'domain'] as const satisfies readonly (keyof Labels)[];
export type LabelKind = (typeof LABEL_KINDS)[number];

/**
 * A relation for other queries: `(code_id, kind, value)` for each label of each code of a workspace, $1. A folder is a label
 * of the codes below it, too, so that a code has a label when `findLabelledCodes` finds it by that one.
 */
export const labelsOfCodes = `
  SELECT c.id AS code_id, label.kind, label.value FROM codes.codes c, LATERAL (
    SELECT DISTINCT 'tag', unnest(c.tags)
    UNION ALL SELECT 'folder', array_to_string(path[1:depth], '/')
      FROM string_to_array(c.folder, '/') AS path, generate_series(1, cardinality(path)) AS depth
    UNION ALL SELECT 'campaign', c.campaign WHERE c.campaign IS NOT NULL
    UNION ALL SELECT 'domain', c.domain WHERE c.domain IS NOT NULL
  ) AS label (kind, value) WHERE c.workspace_id = $1`;

/**
 * The workspaces of at least `atLeast` codes, with a number that is another one once a code comes, goes or changes its
 * labels. Reads every code.
 */
export function readLabelVersions(
  manager: EntityManager,
  atLeast: number,
): Promise<{ workspaceId: string; version: string }[]> {
  return manager.query(
    `SELECT workspace_id AS "workspaceId",
       sum(hashtextextended(ROW(id, tags, folder, campaign, domain)::text, 0))::text AS version
     FROM codes.codes GROUP BY workspace_id HAVING count(*) >= $1`,
    [atLeast],
  );
}
