import { QrQuerySchema } from '@signet/contracts';
import { otpauthUri, toBase32, type BegunFactor, type StoredSubject } from '@signet/mfa';
import { renderQr } from '@signet/qr';
import type { ClaimedEnrollment } from './enrollment.js';

/** A secret as a person takes it into an app: scanned, tapped or typed. */
export type ShownSecret = Pick<ClaimedEnrollment, 'otpauthUri' | 'secret' | 'qrSvg'>;

export function showSecret(
  issuer: string,
  subject: StoredSubject,
  { secret, parameters }: Pick<BegunFactor, 'secret' | 'parameters'>,
): ShownSecret {
  const uri = otpauthUri({ issuer, account: accountOf(subject), secret, parameters });
  return { otpauthUri: uri, secret: toBase32(secret), qrSvg: qrSvg(uri) };
}

/** What the app calls it. */
export const accountOf = ({ email, subject }: Pick<StoredSubject, 'email' | 'subject'>): string => email ?? subject;

export const qrSvg = (payload: string): string =>
  renderQr(payload, QrQuerySchema.parse({ format: 'svg' })).body.toString();
