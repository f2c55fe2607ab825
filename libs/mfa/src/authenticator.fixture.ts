import { createHmac } from 'node:crypto';

/** An authenticator app for tests: RFC 6238 straight from its text, independent of what the product uses. */
export function authenticatorCode(
  secret: Uint8Array,
  at: Date,
  { hash = 'sha1', digits = 6, periodSeconds = 30 } = {},
): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / 1000 / periodSeconds)));
  const mac = createHmac(hash, secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  const truncated = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, '0');
}

/** A code that is wrong at `at` and around it. */
export function wrongCode(secret: Uint8Array, at: Date): string {
  const near = [-1, 0, 1].map((steps) => authenticatorCode(secret, new Date(at.getTime() + steps * 30_000)));
  return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code)) ?? '444444';
}
