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
  const values: unknown[] = [workspaceId, limit];
  const given = (condition: string, ...more: unknown[]): string => {
    const first = values.length + 1;
    values.push(...more);
    return ` AND ${condition.replaceAll(/\?(\d)/g, (_, index: string) => `$${first + Number(index)}`)}`;
  };
  const { tag, folder, campaign, domain } = labels;
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
  const rows: { id: string }[] = await manager.query(`${half(LIVE)} UNION ALL ${half(ARCHIVED)} LIMIT $2`, values);
  return rows.map(({ id }) => id);
}
