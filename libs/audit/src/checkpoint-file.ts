import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditCheckpointSchema, type AuditCheckpoint } from '@signet/contracts';
import { SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';

/** The copy of the checkpoints that the database cannot rewrite: `audit-checkpoints.ndjson` in the data directory. */
@Injectable()
export class CheckpointFile {
  readonly path: string;

  constructor({ values }: SignetConfig) {
    this.path = join(values.SIGNET_DATA_DIR, 'audit-checkpoints.ndjson');
  }

  async append(checkpoints: readonly AuditCheckpoint[]): Promise<void> {
    const lines = checkpoints.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join('');
    await appendFile(this.path, lines, { mode: 0o600, flush: true });
  }

  /** Those of a workspace; none where the file is not on this machine. */
  async read(workspaceId: string): Promise<AuditCheckpoint[]> {
    if (!existsSync(this.path)) return [];
    const checkpoints = parseCheckpoints(await readFile(this.path, 'utf8'));
    return checkpoints.filter((checkpoint) => checkpoint.workspaceId === workspaceId);
  }
}

/** One a line. A last line that a crash cut short is left out. */
export function parseCheckpoints(text: string): AuditCheckpoint[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => AuditCheckpointSchema.parse(JSON.parse(line)));
}
