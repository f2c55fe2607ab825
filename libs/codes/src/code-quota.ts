import { targetSchemas } from '@signet/contracts';
import type { StoredCode } from './code.js';

/**
 * Whether a code counts against its workspace's quota: while it can lead somewhere, or be switched on again. The codes
 * of enrollments and sign-ins, which come and go by themselves, never do.
 */
export const isCounted = ({ kind, state }: Pick<StoredCode, 'kind' | 'state'>): boolean =>
  kind in targetSchemas && (state === 'active' || state === 'paused');
