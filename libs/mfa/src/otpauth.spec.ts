import type { TotpParameters } from '@signet/contracts';
import fc from 'fast-check';
import { readers } from './authenticator-apps.fixture.js';
import { otpauthUri, toBase32 } from './otpauth.js';
import { unusualOf } from './totp-diagnosis.js';

const secret = Buffer.from('12345678901234567890');
const parameters: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
const base = { issuer: 'Signet', account: 'anna@example.com', secret, parameters };

/** Names as people and companies have them, in many scripts, with what means something in a URI. */
const NAMES = [
  'Nordwind Bank',
  'Müller & Söhne',
  'Ελληνική Τράπεζα',
  'Банк Москвы',
  'بنك المستقبل',
  'בנק לאומי',
  'भारतीय स्टेट बैंक',
  'ธนาคารกรุงเทพ',
  '三菱UFJ銀行',
  '국민은행',
  'ngân hàng Á Châu',
  'family 👩‍👩‍👧‍👦 bank',
  'anna+work@example.com',
  'a:b',
  'a%3Ab',
  '100% #1?',
  'C++ & C# = fun/ks',
  ';,!*()~\'"\\^`|{}[]<>$',
  ' surrounded ',
  'x'.repeat(200),
];
/** What apps show in place of a colon, and around which they take spaces away. */
const shown = (text: string): string => text.replaceAll(':', '-').trim();

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

  describe.each(readers)('as %s reads it', (_app, read, honours) => {
    const all = NAMES.flatMap((issuer) => NAMES.map((account) => ({ issuer, account })));

    it('names issuer and account in every script, whatever stands in them', () => {
      for (const { issuer, account } of all) {
        const uri = otpauthUri({ ...base, issuer, account });
        const { secret: key, ...names } = read(uri);
        expect(names).toMatchObject({ issuer: shown(issuer), account: shown(account) });
        expect(key).toBe(toBase32(secret));
        expect(uri).toMatch(/^[\w!'()*.~%:/?=&-]+$/);
      }
    });

    it('names any other text alike', () => {
      const text = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
      fc.assert(
        fc.property(text, text, (issuer, account) => {
          expect(read(otpauthUri({ ...base, issuer, account }))).toMatchObject({
            issuer: shown(issuer),
            account: shown(account),
          });
        }),
      );
    });

    it('has the parameters, or ignores them as the warning of the policy says', () => {
      const unusual: TotpParameters = { algorithm: 'SHA256', digits: 8, periodSeconds: 60 };
      const { algorithm, digits, periodSeconds } = read(otpauthUri({ ...base, parameters: unusual }));
      expect({ algorithm, digits, periodSeconds }).toEqual(honours ? unusual : parameters);
      expect(unusualOf(unusual)).toBe('SHA256, 8 digits, a period of 60 s');
    });
  });

  it('writes base32 in upper case, unpadded, 32 characters for 20 bytes', () => {
    expect(toBase32(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
    expect(toBase32(Buffer.from('f'))).toBe('MY');
  });
});
