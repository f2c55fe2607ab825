import { createPublicKey, verify } from 'node:crypto';
import { isWanted } from './event-pattern.js';
import { MAX_ATTEMPTS, nextAttemptAt, retryAfterSeconds } from './retry-schedule.js';
import { newSigningKey, signatureHeader } from './webhook-signature.js';

const body = Buffer.from('{"test": 2432232314}');
const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body };

describe('the signature of a webhook', () => {
  it('is that of the specification’s example', () => {
    expect(signatureHeader(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('is made by each key in force, in their order', () => {
    const [older, newer] = [newSigningKey('hmac'), newSigningKey('hmac')];
    const single = (secret: string): string => signatureHeader(message, [secret]);
    expect(signatureHeader(message, [newer.secret, older.secret])).toBe(
      `${single(newer.secret)} ${single(older.secret)}`,
    );
    expect(single(newer.secret)).not.toBe(single(older.secret));
  });

  it('of an Ed25519 key verifies with its public key, and not over other bytes', () => {
    const { secret, publicKey } = newSigningKey('ed25519');
    const [version, signature = ''] = signatureHeader(message, [secret]).split(',');
    const point = Buffer.from(publicKey?.replace('whpk_', '') ?? '', 'base64');
    const key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), point]),
      type: 'spki',
      format: 'der',
    });
    const accepts = (content: string): boolean =>
      verify(null, Buffer.from(content), key, Buffer.from(signature, 'base64'));
    expect(version).toBe('v1a');
    expect(accepts(`${message.id}.${message.timestamp}.${body.toString()}`)).toBe(true);
    expect(accepts(`${message.id}.${message.timestamp + 1}.${body.toString()}`)).toBe(false);
  });

  it('has secrets of 32 bytes', () => {
    const { secret, publicKey } = newSigningKey('hmac');
    expect(publicKey).toBeNull();
    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
  });
});

describe('the wait after a failure', () => {
  const at = new Date('2026-11-24T12:00:00.000Z');
  const seconds = (attempt: number, random: number, retryAfter?: number): number | undefined => {
    const next = nextAttemptAt({ attempt, at, random, ...(retryAfter !== undefined && { retryAfter }) });
    return next && (next.getTime() - at.getTime()) / 1000;
  };

  it('grows from 5 s to 24 h, a fifth shorter or longer, over about three days', () => {
    const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => seconds(index + 1, 0.5) ?? 0);
    expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(waits.reduce((sum, wait) => sum + wait, 0) / 3600).toBeCloseTo(75.6, 1);
    expect([seconds(2, 0), seconds(2, 1)]).toEqual([240, 360]);
    expect(seconds(MAX_ATTEMPTS, 0.5)).toBeUndefined();
  });

  it('is as long as the receiver asks for, within twice the wait', () => {
    expect(seconds(2, 0.5, 10)).toBe(300);
    expect(seconds(2, 0.5, 500)).toBe(500);
    expect(seconds(2, 0.5, 100_000)).toBe(600);
    expect(seconds(1, 0.5, 45)).toBe(45);
  });

  it.each([
    [undefined, undefined],
    ['120', 120],
    ['Tue, 24 Nov 2026 12:01:00 GMT', 60],
    ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
  ])('takes Retry-After %j as %j seconds', (header, expected) => {
    expect(retryAfterSeconds(header, at)).toBe(expected);
  });
});

describe('the events of a webhook', () => {
  it.each([
    [['scan.recorded'], 'scan.recorded', true],
    [['scan.recorded'], 'scan.folded', false],
    [['code.*'], 'code.revoked', true],
    [['code.*'], 'enrollment.revoked', false],
    [['alert.raised', '*'], 'verification.accepted', true],
    [[], 'scan.recorded', false],
  ])('of %j: %s is one: %s', (patterns, type, wanted) => {
    expect(isWanted(patterns, type)).toBe(wanted);
  });
});
