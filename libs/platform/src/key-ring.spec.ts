import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { KeyRing } from './key-ring.js';

const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const context = { workspaceId: 'w', recordId: 'r', purpose: 'totp-secret' };

describe('KeyRing', () => {
  it('opens what it sealed', () => {
    const ring = new KeyRing(key('k1'));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(ring.open(ring.seal(Buffer.from(bytes), context), context)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('never seals the same value alike', () => {
    const ring = new KeyRing(key('k1'));
    expect(ring.seal(Buffer.from('x'), context)).not.toEqual(ring.seal(Buffer.from('x'), context));
  });

  it.each([{ workspaceId: 'other' }, { recordId: 'other' }, { purpose: 'other' }])(
    'does not open in another place: %j',
    (moved) => {
      const ring = new KeyRing(key('k1'));
      const sealed = ring.seal(Buffer.from('secret'), context);
      expect(() => ring.open(sealed, { ...context, ...moved })).toThrow('Internal error');
    },
  );

  it('notices any altered byte', () => {
    const ring = new KeyRing(key('k1'));
    const sealed = ring.seal(Buffer.from('secret'), context);
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => ring.open(altered, context)).toThrow('Internal error');
    }
  });

  it('encrypts with the first key and still opens what an older one sealed', () => {
    const [older, newer] = [key('k1'), key('k2')];
    const sealed = new KeyRing(older).seal(Buffer.from('secret'), context);
    const rotated = new KeyRing(`${newer},${older}`);
    expect(rotated.open(sealed, context).toString()).toBe('secret');
    expect(() => new KeyRing(newer).open(rotated.seal(Buffer.from('x'), context), context)).not.toThrow();
    expect(() => new KeyRing(newer).open(sealed, context)).toThrow('Internal error');
  });

  it.each(['', 'k1', 'k1:short', `k1:${randomBytes(31).toString('base64')}`, `${key('k1')},${key('k1')}`])(
    'refuses a ring that is not one, without printing it',
    (text) => {
      expect(() => new KeyRing(text)).toThrow(/^key/);
    },
  );

  it('derives another MAC for another purpose, the same for the same', () => {
    const ring = new KeyRing(key('k1'));
    expect(ring.mac('k1', 'recovery', 'x')).toEqual(ring.mac('k1', 'recovery', 'x'));
    expect(ring.mac('k1', 'recovery', 'x')).not.toEqual(ring.mac('k1', 'other', 'x'));
  });
});
