import type { Factor } from '@signet/contracts';

export type FactorType = Factor['type'];

/** A factor as it is stored; `secret` is sealed, and gone when the factor is. */
export interface StoredFactor {
  id: string;
  workspaceId: string;
  subjectId: string;
  type: FactorType;
  status: 'pending' | Factor['status'];
  secret: Buffer | null;
  /** `TotpParametersSchema`; of other kinds empty. */
  parameters: unknown;
  lastStep: number;
  failures: number;
  createdAt: Date;
  confirmedAt: Date | null;
  lastUsedAt: Date | null;
}

/** @returns undefined for one that was never confirmed: nobody but its enrollment knows it */
export function toFactor({ id, type, status, createdAt, confirmedAt, lastUsedAt }: StoredFactor): Factor | undefined {
  if (status === 'pending' || !confirmedAt) return undefined;
  return { id, type, status, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null };
}
