import type { KeyRing, SealedColumn } from '@signet/platform';
import type { DataSource } from 'typeorm';
import { countForeignCodes } from './recovery-codes.sql.js';
import { TOTP_SECRET } from './totp-kind.js';

/** The secrets of TOTP factors, for `signet keys rotate`. */
export const totpSecrets: SealedColumn = {
  table: 'mfa.factors',
  column: 'secret',
  workspaceId: 'workspace_id',
  purpose: TOTP_SECRET,
};

/** Unused recovery codes that an older key hashed: nobody can hash them anew, so that key must stay until they are used. */
export const countCodesOfOlderKeys = ({ manager }: DataSource, { keyIds }: KeyRing): Promise<number> =>
  countForeignCodes(manager, keyIds.slice(0, 1));
