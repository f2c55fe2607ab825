import type { VerificationData } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** In the place of the subject's name: those of one erasure stay one subject, so that no number changes. */
export const pseudonymOf = (erasureId: string): string => `erased:${erasureId}`;

/** What of an attempt leads to its person. */
const PERSONAL = ['deviceId', 'ip', 'city', 'factorId', 'codeId'] as const;

/** What is kept of an attempt whose subject was erased: result, reason, kind, country, device type, time. */
export function withoutPerson(data: VerificationData, erasureId: string): VerificationData {
  const left: VerificationData = { ...data, subject: pseudonymOf(erasureId), signals: [] };
  for (const name of PERSONAL) delete left[name];
  return left;
}

/** As `withoutPerson`, of those that are stored. @returns how many */
export async function anonymiseVerifications(
  manager: EntityManager,
  { workspaceId, subject, erasureId, until }: { workspaceId: string; subject: string; erasureId: string; until: Date },
): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE analytics.verifications SET subject = $3,
       data = (data - $5::text[]) || jsonb_build_object('subject', $3::text, 'signals', '[]'::jsonb)
     WHERE workspace_id = $1 AND subject = $2 AND at <= $4`,
    [workspaceId, subject, pseudonymOf(erasureId), until, PERSONAL],
  );
  return count;
}

/** Takes out of the raw scans of codes where they came from. What they are counted by stays. @returns how many */
export async function anonymiseScans(manager: EntityManager, codeIds: readonly string[]): Promise<number> {
  if (codeIds.length === 0) return 0;
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE analytics.scans SET ip = NULL, region = NULL, city = NULL, referrer_host = NULL, slug = NULL
     WHERE code_id = ANY($1)`,
    [codeIds],
  );
  return count;
}
