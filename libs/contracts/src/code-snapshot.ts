import { z } from 'zod';
import { CodeKindSchema } from './codes.js';
import { InstantSchema, UuidSchema } from './primitives.js';

/**
 * What the redirect needs to know of a code, as `CodeState` keeps it. Written by the enrollment service after each
 * change, guarded by `version`. The key under which it is kept is `codeKey(...)`, never part of the value.
 */
export const CodeSnapshotSchema = z.object({
  id: UuidSchema,
  workspaceId: UuidSchema,
  /** Absent for the secret kinds (enrollment, sign-in): scans of these carry the code's id only. */
  slug: z.string().optional(),
  version: z.int(),
  kind: CodeKindSchema,
  /** The stored state; `scheduled`, `expired` and `exhausted` follow from the times and the uses. */
  state: z.enum(['active', 'paused', 'revoked', 'archived']),
  url: z.string(),
  activeFrom: InstantSchema.optional(),
  expiresAt: InstantSchema.optional(),
  /** Absent: a plain link. Present: a protected code, which PostgreSQL decides at each use. */
  limit: z.object({ maxScans: z.int(), claimMode: z.enum(['interstitial', 'direct']) }).optional(),
});
export type CodeSnapshot = z.output<typeof CodeSnapshotSchema>;

/** Protected codes are never served from a process's own cache (architecture.md §4.3). */
export const isProtected = (code: CodeSnapshot): boolean => code.limit !== undefined || code.kind !== 'link';
