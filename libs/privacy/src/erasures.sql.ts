import { createHash } from 'node:crypto';
import type { ErasureStoreName } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** A name in a workspace. */
export interface SubjectInWorkspace {
  workspaceId: string;
  subject: string;
}

export interface StoredErasure {
  id: string;
  workspaceId: string;
  /** Null once the audit log is redacted. */
  subject: string | null;
  requestedAt: Date;
  requestedBy: string;
  stores: { store: ErasureStoreName; records: number; finishedAt: Date | null }[];
}

export const subjectHash = ({ workspaceId, subject }: SubjectInWorkspace): Buffer =>
  createHash('sha256').update(`${workspaceId}\n${subject}`).digest();

/** With each store that has something to erase; those that say at once that they did are told by `markErased`. */
export async function insertErasure(
  manager: EntityManager,
  erasure: SubjectInWorkspace & { id: string; requestedAt: Date; requestedBy: string },
  stores: readonly ErasureStoreName[],
): Promise<void> {
  await manager.query(
    `INSERT INTO privacy.erasures (id, workspace_id, subject, subject_hash, requested_at, requested_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [erasure.id, erasure.workspaceId, erasure.subject, subjectHash(erasure), erasure.requestedAt, erasure.requestedBy],
  );
  await manager.query(
    'INSERT INTO privacy.erasure_stores (erasure_id, store) SELECT $1, store FROM unnest($2::text[]) AS store',
    [erasure.id, stores],
  );
}

export interface ErasedStore {
  erasureId: string;
  store: ErasureStoreName;
  /** That were erased now; those of before are added up. */
  records: number;
}

/** In the transaction that erased them. @param finishedAt absent: there is more to come */
export async function markErased(
  manager: EntityManager,
  { erasureId, store, records }: ErasedStore,
  finishedAt?: Date,
): Promise<void> {
  await manager.query(
    `UPDATE privacy.erasure_stores SET records = records + $3, finished_at = COALESCE(finished_at, $4)
     WHERE erasure_id = $1 AND store = $2`,
    [erasureId, store, records, finishedAt ?? null],
  );
}

const COLUMNS = `e.id, e.workspace_id AS "workspaceId", e.subject, e.requested_at AS "requestedAt",
  e.requested_by AS "requestedBy", (SELECT jsonb_agg(jsonb_build_object('store', s.store, 'records', s.records,
    'finishedAt', s.finished_at) ORDER BY s.store) FROM privacy.erasure_stores s WHERE s.erasure_id = e.id) AS stores`;

type ErasureRow = Omit<StoredErasure, 'stores'> & {
  stores: { store: ErasureStoreName; records: number; finishedAt: string | null }[] | null;
};
const toErasure = (row: ErasureRow): StoredErasure => ({
  ...row,
  stores: (row.stores ?? []).map((store) => ({
    ...store,
    finishedAt: store.finishedAt === null ? null : new Date(store.finishedAt),
  })),
});

export async function findErasure(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredErasure | undefined> {
  const [row]: ErasureRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM privacy.erasures e WHERE e.workspace_id = $1 AND e.id = $2`,
    [workspaceId, id],
  );
  return row && toErasure(row);
}

/** Newest first. */
export async function listErasures(
  manager: EntityManager,
  workspaceId: string,
  { beforeId, limit }: { beforeId: string | undefined; limit: number },
): Promise<StoredErasure[]> {
  const rows: ErasureRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM privacy.erasures e WHERE e.workspace_id = $1 AND ($2::uuid IS NULL OR e.id < $2)
     ORDER BY e.id DESC LIMIT $3`,
    [workspaceId, beforeId ?? null, limit],
  );
  return rows.map(toErasure);
}

/** Those whose names still stand in the audit log, the longest waiting first. */
export function nextUnredacted(
  manager: EntityManager,
  limit: number,
): Promise<{ id: string; workspaceId: string; subject: string; requestedBy: string }[]> {
  return manager.query(
    `SELECT id, workspace_id AS "workspaceId", subject, requested_by AS "requestedBy" FROM privacy.erasures
     WHERE subject IS NOT NULL ORDER BY requested_at LIMIT $1`,
    [limit],
  );
}

/** The audit log is redacted: nothing needs the name any more. */
export async function forgetName(manager: EntityManager, id: string): Promise<void> {
  await manager.query('UPDATE privacy.erasures SET subject = NULL WHERE id = $1', [id]);
}

/** @returns how many hashes of names were forgotten */
export async function forgetOldHashes(manager: EntityManager, before: Date): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    'UPDATE privacy.erasures SET subject_hash = NULL WHERE subject_hash IS NOT NULL AND requested_at < $1',
    [before],
  );
  return count;
}

/** @returns of these hashes those that an erasure has, in hex, with the newest erasure */
export async function findErased(
  manager: EntityManager,
  hashes: readonly Buffer[],
): Promise<{ hash: string; id: string; requestedAt: Date }[]> {
  return manager.query(
    `SELECT DISTINCT ON (subject_hash) encode(subject_hash, 'hex') AS hash, id, requested_at AS "requestedAt"
     FROM privacy.erasures WHERE subject_hash = ANY($1) ORDER BY subject_hash, requested_at DESC`,
    [hashes],
  );
}

const LOCK = `hashtextextended('erasures', 0)`;

/** Held to the end of the transaction by who stores events that may be about subjects. */
export async function awaitErasures(manager: EntityManager): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock_shared(${LOCK})`);
}

/** As `awaitErasures` by who erases: what was about to be stored is stored then, and can be erased. */
export async function holdStoring(manager: EntityManager): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}
