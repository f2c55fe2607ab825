import { AuditEntrySchema, type AuditCheckpoint, type AuditEntry, type Jwks } from '@signet/contracts';
import { ChainCheck } from './chain-check.js';
import type { ChainProblem } from './chain.js';
import { keysOf } from './checkpoint-keys.js';

/** What a verification of an export comes to. */
export interface ExportVerification {
  entries: number;
  head: string;
  checkpoints: number;
  /** The entry after which the export begins; 0: it has all. */
  cutAt: number;
  problem?: ChainProblem;
}

/**
 * Verifies an export without the installation that it came from.
 * @param lines of NDJSON, one entry each
 * @param proof checkpoints, of which those of other workspaces do not count, and the keys that signed them
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  { checkpoints, jwks }: { checkpoints: readonly AuditCheckpoint[]; jwks: Jwks },
): Promise<ExportVerification> {
  const keys = keysOf(jwks);
  let check: ChainCheck | undefined;
  let workspaceId: string | undefined;
  const result = (problem?: ChainProblem): ExportVerification => ({
    entries: check?.head.seq ?? 0,
    head: check?.head.hash ?? '',
    checkpoints: check?.agreed ?? 0,
    cutAt: check?.cutAt ?? 0,
    ...(problem && { problem }),
  });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const entry = parseEntry(line);
    const next = (check?.head.seq ?? 0) + 1;
    if (!entry) return result({ brokenAt: next, problem: `line ${next} is not an entry` });
    if (entry.workspaceId !== (workspaceId ??= entry.workspaceId))
      return result({ brokenAt: next, problem: `entry ${next} is of another workspace` });
    check ??= new ChainCheck(
      checkpoints.filter((checkpoint) => checkpoint.workspaceId === entry.workspaceId),
      keys,
    );
    const problem = check.accept(entry);
    if (problem) return result(problem);
  }
  if (check) return result(check.end());
  return checkpoints.length > 0 ? result({ brokenAt: 1, problem: 'the export is empty' }) : result();
}

/** As it stands there: fields that this version does not know are part of what was hashed. */
function parseEntry(line: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return AuditEntrySchema.loose().safeParse(entry).data;
  } catch {
    return undefined;
  }
}
