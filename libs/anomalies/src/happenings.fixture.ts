import { dataSchemaUrn, type ScanData, type VerificationData } from '@signet/contracts';
import { newId } from '@signet/platform';
import type { Scan } from './code-profile.js';
import type { Attempt } from './subject-profile.js';

export const WORKSPACE = '0192f0c0-0000-7000-8000-000000000001';
export const CODE = '0192f0c0-0000-7000-8000-000000000002';

/** An accepted verification of anna in Switzerland, unless said otherwise. */
export function attempt(at: string | number, data: Partial<VerificationData> = {}): Attempt {
  const time = new Date(at);
  return {
    id: newId(),
    at: time.getTime(),
    data: {
      workspaceId: WORKSPACE,
      verificationId: newId(),
      subject: 'anna',
      factorType: 'totp',
      result: 'accepted',
      biometric: 'none',
      country: 'CH',
      deviceType: 'phone',
      os: 'iOS',
      signals: [],
      riskScore: 0,
      at: time.toISOString(),
      ...data,
    },
  };
}

/** A person's scan of a poster that led somewhere, unless said otherwise. */
export function scan(at: string | number, data: Partial<ScanData> = {}, codeId = CODE): Scan {
  const time = new Date(at);
  return {
    id: newId(),
    at: time.getTime(),
    codeId,
    workspaceId: WORKSPACE,
    data: { outcome: 'redirected', slug: 'poster', bot: false, preview: false, at: time.toISOString(), ...data },
  };
}

/** An event of the log. */
export function logged(type: string, { id, at, data }: { id: string; at: number; data: object }): object {
  return {
    specversion: '1.0',
    id,
    source: '/signet/test/1',
    type,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(type),
    sequence: '1',
    data,
  };
}
