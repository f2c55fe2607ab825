import type { EntityManager } from 'typeorm';
import type { CodeProfile } from './code-profile.js';
import { textOf, type Profile, type ProfileKey } from './watch.js';

/** In the order in which everybody locks them. */
function inOrder(keys: readonly ProfileKey[]): ProfileKey[] {
  const once = new Map(keys.map((key) => [textOf(key), key]));
  return Array.from(once.entries())
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, key]) => key);
}

/**
 * Locks profiles to the end of the transaction, the new ones, too: two who look at the same things go one after the
 * other, and in one order, so that they never wait for each other.
 * @returns those that something is known of
 */
export async function lockProfiles(
  manager: EntityManager,
  keys: readonly ProfileKey[],
  now: Date,
): Promise<{ key: ProfileKey; profile: Profile }[]> {
  const wanted = JSON.stringify(inOrder(keys));
  await manager.query(
    `INSERT INTO analytics.anomaly_profiles (workspace_id, scope, name, seen_at)
     SELECT "workspaceId", scope, name, $2
     FROM json_to_recordset($1) AS key ("workspaceId" uuid, scope text, name text) ON CONFLICT DO NOTHING`,
    [wanted, now],
  );
  const rows: (ProfileKey & { profile: Profile | null })[] = await manager.query(
    `SELECT p.workspace_id AS "workspaceId", p.scope, p.name, p.profile
     FROM json_to_recordset($1) AS key ("workspaceId" uuid, scope text, name text)
     JOIN analytics.anomaly_profiles p ON p.workspace_id = key."workspaceId" AND p.scope = key.scope AND p.name = key.name
     ORDER BY p.workspace_id, p.scope, p.name FOR UPDATE OF p`,
    [wanted],
  );
  return rows.flatMap(({ profile, ...key }) => (profile ? [{ key, profile }] : []));
}

export interface ChangedProfile {
  key: ProfileKey;
  profile: Profile;
  /** Epoch milliseconds. */
  silentAt?: number;
}

/** Of profiles that are locked. */
export async function storeProfiles(
  manager: EntityManager,
  changed: readonly ChangedProfile[],
  now: Date,
): Promise<void> {
  if (changed.length === 0) return;
  const rows = changed.map(({ key, profile, silentAt }) => ({ ...key, profile, silentAt }));
  await manager.query(
    `UPDATE analytics.anomaly_profiles p
     SET profile = changed.profile, seen_at = $2, silent_at = to_timestamp(changed."silentAt" / 1000)
     FROM json_to_recordset($1) AS changed ("workspaceId" uuid, scope text, name text, profile jsonb, "silentAt" float8)
     WHERE p.workspace_id = changed."workspaceId" AND p.scope = changed.scope AND p.name = changed.name`,
    [JSON.stringify(rows), now],
  );
}

/** Locks codes whose silence has become too long; those that are being scanned now are left out. */
export function lockSilentCodes(
  manager: EntityManager,
  now: Date,
  limit: number,
): Promise<{ workspaceId: string; codeId: string; profile: CodeProfile }[]> {
  return manager.query(
    `SELECT workspace_id AS "workspaceId", name AS "codeId", profile FROM analytics.anomaly_profiles
     WHERE silent_at <= $1 ORDER BY silent_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [now, limit],
  );
}

/** Codes that cannot be scanned with success any more, or can again from `at` on: their silence says nothing till then. */
export async function noteStopped(
  manager: EntityManager,
  codes: readonly { workspaceId: string; codeId: string; stopped: boolean; at: number }[],
): Promise<void> {
  if (codes.length === 0) return;
  await manager.query(
    `UPDATE analytics.anomaly_profiles p SET silent_at = NULL,
       profile = CASE WHEN changed.stopped THEN p.profile || '{"stopped": true}'
         ELSE (p.profile - 'stopped') || jsonb_build_object('last', greatest((p.profile->>'last')::float8, changed.at)) END
     FROM json_to_recordset($1) AS changed ("workspaceId" uuid, "codeId" text, stopped boolean, at float8)
     WHERE p.workspace_id = changed."workspaceId" AND p.scope = 'code' AND p.name = changed."codeId"
       AND p.profile IS NOT NULL AND (changed.stopped OR p.profile ? 'stopped')`,
    [JSON.stringify(codes)],
  );
}

/** @returns ids of codes that are known to be switched off */
export async function readStopped(manager: EntityManager, workspaceId: string): Promise<string[]> {
  const rows: { name: string }[] = await manager.query(
    `SELECT name FROM analytics.anomaly_profiles WHERE workspace_id = $1 AND scope = 'code' AND profile ? 'stopped'`,
    [workspaceId],
  );
  return rows.map(({ name }) => name);
}

/** @returns how many were deleted */
export async function forgetProfile(manager: EntityManager, workspaceId: string, subject: string): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM analytics.anomaly_profiles WHERE workspace_id = $1 AND scope = 'subject' AND name = $2`,
    [workspaceId, subject],
  );
  return count;
}

/** Of those of which nothing has come since. @returns how many were deleted, `limit` at most */
export async function removeProfilesBefore(
  manager: EntityManager,
  scopes: readonly string[],
  before: Date,
  limit: number,
): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM analytics.anomaly_profiles WHERE ctid = ANY(ARRAY(
       SELECT ctid FROM analytics.anomaly_profiles WHERE scope = ANY($1) AND seen_at < $2 LIMIT $3 FOR UPDATE SKIP LOCKED))`,
    [scopes, before, limit],
  );
  return count;
}
