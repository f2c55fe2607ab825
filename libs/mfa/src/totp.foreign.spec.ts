import { spawnSync } from 'node:child_process';
import type { TotpParameters } from '@signet/contracts';
import { toBase32 } from './otpauth.js';
import { ACCEPTED_STEPS, NO_STEP, verifyTotp } from './totp.js';

interface Asked {
  secret: string;
  second: number;
  parameters: TotpParameters;
}

const PYOTP = `
import hashlib, json, sys
import pyotp
for asked in json.load(sys.stdin):
    own = asked["parameters"]
    totp = pyotp.TOTP(asked["secret"], digits=own["digits"], interval=own["periodSeconds"],
                      digest=getattr(hashlib, own["algorithm"].lower()))
    print(totp.at(asked["second"]))
`;
const environment = { ...process.env, PYTHONPATH: process.env['SIGNET_TEST_PYTHONPATH'] ?? '' };
const python = (script: string, input = '') =>
  spawnSync('python3', ['-c', script], { input, encoding: 'utf8', env: environment });

const pyotp = (asked: readonly Asked[]): string[] => {
  const { stdout, stderr } = python(PYOTP, JSON.stringify(asked));
  if (stderr !== '') throw new Error(stderr);
  return stdout.trim().split('\n');
};

const oathtool = (asked: readonly Asked[]): string[] =>
  asked.map(({ secret, second, parameters: { algorithm, digits, periodSeconds } }) => {
    const now = `${new Date(second * 1000).toISOString().replace('T', ' ').slice(0, 19)} UTC`;
    const options = [`--totp=${algorithm}`, `--digits=${digits}`, `--time-step-size=${periodSeconds}s`, '--base32'];
    const { stdout, stderr } = spawnSync('oathtool', [...options, '--now', now, secret], { encoding: 'utf8' });
    if (stderr !== '') throw new Error(stderr);
    return stdout.trim();
  });

const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const foreign = [
  { name: 'oathtool', has: spawnSync('oathtool', ['--version']).status === 0, codesOf: oathtool },
  { name: 'pyotp', has: python('import pyotp').status === 0, codesOf: pyotp },
];

const DEFAULTS: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
/** Keys as long as their hash: RFC 6238's own, by its erratum 2866; and the 20 bytes that we make. */
const KEYS = { SHA1: 20, SHA256: 32, SHA512: 64 } as const;
const key = (bytes: number): Buffer => Buffer.from('1234567890'.repeat(7).slice(0, bytes));
const all: TotpParameters[] = (['SHA1', 'SHA256', 'SHA512'] as const).flatMap((algorithm) =>
  ([6, 8] as const).flatMap((digits) => [15, 30, 60].map((periodSeconds) => ({ algorithm, digits, periodSeconds }))),
);
/** The edges of steps, at the beginning of time, today, and where seconds need more than 31 and 32 bit. */
const edges = [30, 1_111_111_110, 1_795_694_400, 2_147_483_640, 4_294_967_310, 20_000_000_010];
const around = (edge: number): number[] => [edge - 1, edge, edge + 1];

for (const { name, has, codesOf } of foreign) {
  const describeForeign = has || isRequired ? describe : describe.skip;
  describeForeign(has || isRequired ? name : `${name} (skipped: it is not installed)`, () => {
    const accepts = (code: string | undefined, second: number, { parameters = DEFAULTS, bytes = 20 } = {}): number => {
      const attempt = { secret: key(bytes), code: code ?? '', parameters, acceptedSteps: ACCEPTED_STEPS };
      const result = verifyTotp({ ...attempt, at: new Date(second * 1000), lastStep: NO_STEP });
      return result.matched ? result.step : NO_STEP;
    };

    it('is accepted at T = 29, 30 and 31, and in the step after, and neither sooner nor later', () => {
      const codes = codesOf(
        [29, 30, 31].map((second) => ({ secret: toBase32(key(20)), second, parameters: DEFAULTS })),
      );
      const [last, first, second] = codes;
      expect([first === second, last === first]).toEqual([true, false]);
      expect([28, 29, 30, 31, 59, 60, 61].map((at) => accepts(last, at))).toEqual([0, 0, 0, 0, 0, -1, -1]);
      expect([28, 29, 30, 31, 59, 60, 89, 90].map((at) => accepts(first, at))).toEqual([-1, -1, 1, 1, 1, 1, 1, -1]);
    });

    it.each(edges)('agrees on both sides of an edge of its steps: %d s', (edge) => {
      const asked = around(edge).flatMap((second) =>
        [20, 32, 64].map((bytes) => ({ secret: toBase32(key(bytes)), second, parameters: DEFAULTS, bytes })),
      );
      const codes = codesOf(asked);
      expect(asked.map(({ second, bytes }, index) => accepts(codes[index], second, { bytes }))).toEqual(
        asked.map(({ second }) => Math.floor(second / 30)),
      );
    });

    it('agrees on every algorithm, number of digits and period, with keys of 20, 32 and 64 bytes', () => {
      const asked = all.flatMap((parameters) => {
        const bytes = KEYS[parameters.algorithm];
        return around(60).map((second) => ({ secret: toBase32(key(bytes)), second, parameters, bytes }));
      });
      const codes = codesOf(asked);
      expect(asked.map((one, index) => accepts(codes[index], one.second, one))).toEqual(
        asked.map(({ second, parameters: { periodSeconds } }) => Math.floor(second / periodSeconds)),
      );
    });
  });
}
