import { TotpParametersSchema } from '@signet/contracts';
import { authenticatorCode } from '@signet/testing';
import { diagnoseTotp } from './totp-diagnosis.js';

const secret = Buffer.from('12345678901234567890');
const at = new Date('2026-11-24T12:00:05Z');
const defaults = TotpParametersSchema.parse({});
const codeAt = (seconds: number): string => authenticatorCode(secret, new Date(at.getTime() + seconds * 1000));

describe('the diagnosis of a wrong code', () => {
  it.each([
    [{ algorithm: 'SHA256' }, 'SHA256'],
    [{ digits: 8 }, '8 digits'],
    [{ periodSeconds: 60, algorithm: 'SHA512' }, 'SHA512, a period of 60 s'],
  ])('finds an app that ignores %j', (unusual, ignored) => {
    const parameters = TotpParametersSchema.parse(unusual);
    expect(diagnoseTotp({ secret, code: codeAt(0), at, parameters })).toEqual({ cause: 'ignored-parameters', ignored });
  });

  it.each([90, -90, 600, -600])('finds a clock that is %i s off', (seconds) => {
    expect(diagnoseTotp({ secret, code: codeAt(seconds), at, parameters: defaults })).toEqual({
      cause: 'clock',
      seconds,
    });
  });

  it('finds nothing in a code of another secret, nor in a clock that is hours off', () => {
    for (const code of ['000000', codeAt(7200)])
      expect(diagnoseTotp({ secret, code, at, parameters: defaults })).toBeUndefined();
  });
});
