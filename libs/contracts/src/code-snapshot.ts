import { z } from 'zod';
import { CodeKindSchema, type CodeTarget } from './codes.js';
import { InstantSchema, UuidSchema } from './primitives.js';
import type { Rule, Utm } from './targets.js';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

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
  /** As `kind` has it: checked when it was stored, and not again at each scan. */
  target: z.custom<CodeTarget>(isObject),
  rules: z.custom<Rule[]>(Array.isArray).optional(),
  forwardQuery: z.literal(true).optional(),
  utm: z.custom<Utm>(isObject).optional(),
  /** Where a code that is off leads; absent: to the page that says so. */
  offUrl: z.string().optional(),
  /** Argon2id in PHC format. */
  passwordHash: z.string().optional(),
  brandId: UuidSchema.optional(),
  activeFrom: InstantSchema.optional(),
  expiresAt: InstantSchema.optional(),
  /** Absent: a plain link. Present: a protected code, which PostgreSQL decides at each use. */
  limit: z.object({ maxScans: z.int(), claimMode: z.enum(['interstitial', 'direct']) }).optional(),
});
export type CodeSnapshot = z.output<typeof CodeSnapshotSchema>;

/** Whether a code was ended for good. */
export const isEnded = (state: CodeSnapshot['state']): boolean => state === 'revoked' || state === 'archived';

const SECRET_KINDS: ReadonlySet<string> = new Set(['enrollment', 'signin', 'sealed']);

/** Protected codes are never served from a process's own cache (architecture.md §4.3). */
export const isProtected = ({ limit, passwordHash, kind }: CodeSnapshot): boolean =>
  limit !== undefined || passwordHash !== undefined || SECRET_KINDS.has(kind);

/** Where a code without rules leads everybody: the URL of a link. */
export function plainUrlOf({ kind, target, rules, forwardQuery, utm }: CodeSnapshot): string | undefined {
  const isPlain = kind === 'link' && rules === undefined && forwardQuery === undefined && utm === undefined;
  return isPlain && 'url' in target && target.deepLink === undefined ? target.url : undefined;
}
