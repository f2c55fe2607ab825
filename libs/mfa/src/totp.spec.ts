import type { TotpParameters } from '@signet/contracts';
import { authenticatorCode } from '@signet/testing';
import fc from 'fast-check';
import { ACCEPTED_STEPS, NO_STEP, stepAt, verifyTotp } from './totp.js';

const DEFAULTS: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
/** RFC 6238 Appendix B: the keys are as long as their hash, by its erratum 2866. */
const KEYS = {
  SHA1: Buffer.from('12345678901234567890'),
  SHA256: Buffer.from('12345678901234567890123456789012'),
  SHA512: Buffer.from('1234567890123456789012345678901234567890123456789012345678901234'),
};
const VECTORS: [seconds: number, codes: Record<TotpParameters['algorithm'], string>][] = [
  [59, { SHA1: '94287082', SHA256: '46119246', SHA512: '90693936' }],
  [1_111_111_109, { SHA1: '07081804', SHA256: '68084774', SHA512: '25091201' }],
  [1_111_111_111, { SHA1: '14050471', SHA256: '67062674', SHA512: '99943326' }],
  [1_234_567_890, { SHA1: '89005924', SHA256: '91819424', SHA512: '93441116' }],
  [2_000_000_000, { SHA1: '69279037', SHA256: '90698825', SHA512: '38618901' }],
  [20_000_000_000, { SHA1: '65353130', SHA256: '77737706', SHA512: '47863826' }],
];
const RFC_4226 = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ');

describe('verifyTotp', () => {
  const base = { acceptedSteps: ACCEPTED_STEPS, lastStep: NO_STEP };

  it.each(
    VECTORS.flatMap(([seconds, codes]) =>
      (['SHA1', 'SHA256', 'SHA512'] as const).map((algorithm) => ({ seconds, algorithm, code: codes[algorithm] })),
    ),
  )('accepts RFC 6238 Appendix B: $algorithm at $seconds s', ({ seconds, algorithm, code }) => {
    const at = new Date(seconds * 1000);
    const parameters: TotpParameters = { algorithm, digits: 8, periodSeconds: 30 };
    expect(verifyTotp({ ...base, secret: KEYS[algorithm], code, at, parameters })).toEqual({
      matched: true,
      step: Math.floor(seconds / 30),
    });
  });

  it.each(RFC_4226.map((code, counter) => ({ code, counter })))(
    'computes RFC 4226 Appendix D: count $counter',
    ({ code, counter }) => {
      const at = new Date(counter * 30_000);
      const attempt = { ...base, secret: KEYS.SHA1, code, at, parameters: DEFAULTS, acceptedSteps: { past: 0 } };
      expect(verifyTotp(attempt)).toEqual({ matched: true, step: counter });
    },
  );

  const parametersOf = fc.record<TotpParameters>({
    algorithm: fc.constantFrom('SHA1', 'SHA256', 'SHA512'),
    digits: fc.constantFrom(6, 8),
    periodSeconds: fc.integer({ min: 15, max: 60 }),
  });
  const secretOf = fc.uint8Array({ minLength: 20, maxLength: 64 });
  const secondsOf = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 });

  it('accepts exactly the codes of the current and the previous step, as another implementation computes them', () => {
    fc.assert(
      fc.property(
        secretOf,
        parametersOf,
        secondsOf,
        fc.integer({ min: -4, max: 4 }),
        (secret, parameters, seconds, offset) => {
          const { algorithm, digits, periodSeconds } = parameters;
          const at = new Date(seconds * 1000);
          const other = { hash: algorithm.toLowerCase(), digits, periodSeconds };
          const codeOf = (steps: number): string =>
            authenticatorCode(secret, new Date((seconds + steps * periodSeconds) * 1000), other);
          const code = codeOf(offset);
          const newest = [0, -1].find((steps) => codeOf(steps) === code);
          expect(verifyTotp({ ...base, secret, code, at, parameters })).toEqual(
            newest === undefined
              ? { matched: false, reason: 'invalid' }
              : { matched: true, step: stepAt(at, parameters) + newest },
          );
        },
      ),
    );
  });

  it('calls a step up to the last used one replayed, and a wrong code invalid', () => {
    const at = new Date(1_234_567_890_000);
    const step = stepAt(at, DEFAULTS);
    const code = authenticatorCode(KEYS.SHA1, at);
    const verify = (lastStep: number) =>
      verifyTotp({ ...base, secret: KEYS.SHA1, code, at, parameters: DEFAULTS, lastStep });
    expect(verify(step - 1)).toEqual({ matched: true, step });
    expect(verify(step)).toEqual({ matched: false, reason: 'replayed' });
    expect(verify(step + 1)).toEqual({ matched: false, reason: 'replayed' });
  });

  it('accepts no step but the current one where the policy leaves no drift', () => {
    const at = new Date(1_234_567_890_000);
    const before = authenticatorCode(KEYS.SHA1, new Date(at.getTime() - 30_000));
    const attempt = { ...base, secret: KEYS.SHA1, code: before, at, parameters: DEFAULTS, acceptedSteps: { past: 0 } };
    expect(verifyTotp(attempt)).toEqual({ matched: false, reason: 'invalid' });
  });

  it('takes a code with a space in it, as apps show it', () => {
    const at = new Date(1_234_567_890_000);
    const code = authenticatorCode(KEYS.SHA1, at).replace(/^.../, '$& ');
    expect(verifyTotp({ ...base, secret: KEYS.SHA1, code, at, parameters: DEFAULTS })).toMatchObject({ matched: true });
  });

  it.each(['', '12345', '1234567', 'abcdef', '٠١٢٣٤٥', '-12345', '1e5000', '0x1234', 'x'.repeat(6)])(
    'calls %j invalid',
    (code) => {
      const at = new Date(1_234_567_890_000);
      expect(verifyTotp({ ...base, secret: KEYS.SHA1, code, at, parameters: DEFAULTS })).toEqual({
        matched: false,
        reason: 'invalid',
      });
    },
  );
});
