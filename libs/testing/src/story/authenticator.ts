import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';

const PERIOD_SECONDS = 30;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function decodeBase32(text: string): Buffer {
  let bits = '';
  for (const letter of text) bits += BASE32.indexOf(letter).toString(2).padStart(5, '0');
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** An authenticator app: RFC 6238 straight from its text, and not by what the product uses. */
export function authenticatorCode(
  secret: Uint8Array,
  at: Date,
  { hash = 'sha1', digits = 6, periodSeconds = PERIOD_SECONDS } = {},
): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / 1000 / periodSeconds)));
  const mac = createHmac(hash, secret).update(counter).digest();
  const truncated = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, '0');
}

/** A code that is wrong at `at` and around it. */
export function wrongCode(secret: Uint8Array, at: Date): string {
  const near = [-1, 0, 1].map((steps) =>
    authenticatorCode(secret, new Date(at.getTime() + steps * PERIOD_SECONDS * 1000)),
  );
  return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code)) ?? '444444';
}

/** With SHA-1, 6 digits and 30 s. @param secret in base32 (RFC 4648), as an app is told it */
export const totp = (secret: string, at: Date): string => authenticatorCode(decodeBase32(secret), at);

/** What oathtool says, where it is installed: a third opinion. */
export function oathtool(secret: string, at: Date): string | undefined {
  try {
    const now = at.toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
    return execFileSync('oathtool', ['--totp', '--base32', '--now', now, secret], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** Resolves when at least `seconds` of the current time step are left, so that it cannot end in the middle of a test. */
export async function untilStepHasLeft(seconds: number): Promise<void> {
  const left = (): number => PERIOD_SECONDS - ((Date.now() / 1000) % PERIOD_SECONDS);
  while (left() < seconds) await new Promise((resolve) => setTimeout(resolve, 100));
}

export const stepBefore = (at: Date): Date => new Date(at.getTime() - PERIOD_SECONDS * 1000);
