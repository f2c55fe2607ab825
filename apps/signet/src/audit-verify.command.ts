import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseCheckpoints, verifyExport } from '@signet/audit';
import { JwksSchema, type AuditCheckpoint, type Jwks } from '@signet/contracts';

interface Proof {
  checkpoints?: string;
  jwks?: string;
}

/**
 * Verifies an export of the audit log without the installation, and says what it comes to. Exit 0: it adds up; 1: it does
 * not; 2: it cannot be read.
 */
export async function verifyAuditFile(file: string, proof: Proof): Promise<void> {
  try {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
    const { entries, head, checkpoints, cutAt, problem } = await verifyExport(lines, readProof(proof));
    if (problem) {
      process.stderr.write(`broken at entry ${problem.brokenAt}: ${problem.problem}\n`);
      process.exitCode = 1;
      return;
    }
    const cut = cutAt > 0 ? `, cut after entry ${cutAt}` : '';
    process.stdout.write(`ok: ${entries} entries${cut}, head ${head || 'none'}, ${checkpoints} signed checkpoints\n`);
    if (checkpoints === 0)
      process.stdout.write(
        'Without checkpoints this does not show a log that was rewritten or cut: see docs/audit.md\n',
      );
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

function readProof({ checkpoints, jwks }: Proof): { checkpoints: AuditCheckpoint[]; jwks: Jwks } {
  if (!checkpoints) return { checkpoints: [], jwks: { keys: [] } };
  if (!jwks) throw new Error('--checkpoints needs --jwks: the keys that signed them, from a copy that you trust');
  return {
    checkpoints: parseCheckpoints(readFileSync(checkpoints, 'utf8')),
    jwks: JwksSchema.parse(JSON.parse(readFileSync(jwks, 'utf8'))),
  };
}
