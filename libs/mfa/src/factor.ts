import type { Factor } from '@signet/contracts';

export type FactorType = Factor['type'];

/** A factor as it is stored; `secret` is sealed, and gone when the factor is. */
export interface StoredFactor {
  id: string;
  workspaceId: string;
  subjectId: string;
  type: FactorType;
  status: 'pending' | Factor['status'];
  /** What its owner calls it. */
  name: string | null;
  /** The authenticator app, as its owner named it. */
  app: string | null;
  secret: Buffer | null;
  /** `TotpParametersSchema`; of other kinds empty. */
  parameters: unknown;
  lastStep: number;
  failures: number;
  createdAt: Date;
  confirmedAt: Date | null;
  lastUsedAt: Date | null;
  /** Truncated. */
  lastUsedIp: string | null;
  lastUsedCountry: string | null;
}

/** @returns undefined for one that was never confirmed: nobody but its enrollment knows it */
export function toFactor(factor: StoredFactor): Factor | undefined {
  const {
    id,
    type,
    status,
    name,
    app,
    createdAt,
    confirmedAt,
    lastUsedAt,
    lastUsedIp: ip,
    lastUsedCountry: country,
  } = factor;
  if (status === 'pending' || !confirmedAt) return undefined;
  return {
    id,
    type,
    status,
    name,
    app,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    lastUsedFrom: ip || country ? { ip, country } : null,
  };
}
