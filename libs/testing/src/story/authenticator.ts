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

/** RFC 6238 with SHA-1, 6 digits and 30 s, computed here and not by the product. */
export function totp(secret: string, at: Date): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / 1000 / PERIOD_SECONDS)));
  const digest = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0x0f;
  return String((digest.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0');
}

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
