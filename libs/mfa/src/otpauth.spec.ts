import type { TotpParameters } from '@signet/contracts';
import fc from 'fast-check';
import { otpauthUri, toBase32 } from './otpauth.js';

const secret = Buffer.from('12345678901234567890');
const parameters: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
const base = { issuer: 'Signet', account: 'anna@example.com', secret, parameters };

/** Aegis: the label is decoded and split at every colon; exactly two parts are issuer and account. */
function readLikeAegis(uri: string): { issuer: string; account: string } {
  const [issuer = '', account = '', ...more] = decodeURIComponent(new URL(uri).pathname.slice(1)).split(':');
  if (more.length > 0) throw new Error('more than two parts');
  return { issuer, account };
}

/** Google Authenticator: the label is decoded and split at the first colon; the parameter wins. */
function readLikeGoogle(uri: string): { issuer: string; account: string } {
  const { pathname, searchParams } = new URL(uri);
  const label = decodeURIComponent(pathname.slice(1));
  const account = label.slice(label.indexOf(':') + 1);
  return { issuer: searchParams.get('issuer') ?? '', account };
}

describe('otpauthUri', () => {
  it('has the issuer in label and parameter, and leaves defaults out', () => {
    expect(otpauthUri(base)).toBe(
      'otpauth://totp/Signet:anna%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Signet',
    );
  });

  it('encodes a space as %20 and UTF-8 as bytes', () => {
    const uri = otpauthUri({ ...base, issuer: 'Müller & Co', account: 'Anna B+C' });
    expect(uri).toContain('otpauth://totp/M%C3%BCller%20%26%20Co:Anna%20B%2BC?');
    expect(uri).toContain('&issuer=M%C3%BCller%20%26%20Co');
  });

  it('says what differs from the defaults', () => {
    const uri = otpauthUri({ ...base, parameters: { algorithm: 'SHA256', digits: 8, periodSeconds: 60 } });
    expect(uri.endsWith('&issuer=Signet&algorithm=SHA256&digits=8&period=60')).toBe(true);
  });

  it('is read alike by apps that split the label and by apps that read the parameter', () => {
    const text = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, (issuer, account) => {
        const uri = otpauthUri({ ...base, issuer, account });
        const expected = { issuer: issuer.replaceAll(':', '-'), account: account.replaceAll(':', '-') };
        expect(readLikeAegis(uri)).toEqual(expected);
        expect(readLikeGoogle(uri)).toEqual(expected);
        expect(uri).not.toContain('+');
      }),
    );
  });

  it('writes base32 in upper case, unpadded, 32 characters for 20 bytes', () => {
    expect(toBase32(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
    expect(toBase32(Buffer.from('f'))).toBe('MY');
  });
});
