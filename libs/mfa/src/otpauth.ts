import type { TotpParameters } from '@signet/contracts';
import { ScureBase32Plugin } from 'otplib';

const base32 = new ScureBase32Plugin();

/** RFC 4648 §6, upper case and without padding: what authenticator apps take as a manual key. */
export const toBase32 = (bytes: Uint8Array): string => base32.encode(bytes, { padding: false });

const DEFAULTS: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };

export interface OtpauthContent {
  issuer: string;
  account: string;
  secret: Uint8Array;
  parameters: TotpParameters;
}

/**
 * The URI that authenticator apps scan (security.md §1). The issuer stands in the label and in the parameter, because
 * some apps read only one of them; defaults are left out, because some apps refuse to see them.
 */
export function otpauthUri({ issuer, account, secret, parameters }: OtpauthContent): string {
  const issuedBy = encode(issuer);
  const query = [
    `secret=${toBase32(secret)}`,
    `issuer=${issuedBy}`,
    ...(parameters.algorithm === DEFAULTS.algorithm ? [] : [`algorithm=${parameters.algorithm}`]),
    ...(parameters.digits === DEFAULTS.digits ? [] : [`digits=${parameters.digits}`]),
    ...(parameters.periodSeconds === DEFAULTS.periodSeconds ? [] : [`period=${parameters.periodSeconds}`]),
  ];
  return `otpauth://totp/${issuedBy}:${encode(account)}?${query.join('&')}`;
}

/**
 * UTF-8 percent-encoding with `%20`, never `+`. A colon would split the label at the wrong place, encoded or not:
 * apps decode before they split. Around what is left some of them take spaces away, so nobody gets any.
 */
const encode = (text: string): string => encodeURIComponent(text.replaceAll(':', '-').trim());
