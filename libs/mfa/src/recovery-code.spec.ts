import fc from 'fast-check';
import { generateRecoveryCode, normalizeRecoveryCode } from './recovery-code.js';

describe('recovery codes', () => {
  it('are four groups of five of Crockford’s letters', () => {
    expect(generateRecoveryCode()).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
  });

  it('hold 5 bit of each random byte', () => {
    expect(generateRecoveryCode(Uint8Array.from({ length: 20 }, (_, index) => index + 224))).toBe(
      '01234-56789-ABCDE-FGHJK',
    );
  });

  it('are read whatever the case, the dashes and the spaces, with I and L as 1 and O as 0', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (random) => {
        const code = generateRecoveryCode(random);
        const typed = code.toLowerCase().replaceAll('-', ' ').replaceAll('1', 'l').replaceAll('0', 'o');
        expect(normalizeRecoveryCode(typed)).toBe(code.replaceAll('-', ''));
      }),
    );
    expect(normalizeRecoveryCode('iIlLoO')).toBe('111100');
  });
});
