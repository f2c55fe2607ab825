import type { SignetError } from './errors.js';
import { hashPassword, verifyPassword } from './passwords.js';
import { Slots } from './slots.js';

describe('a password', () => {
  it('is known by its hash, which is Argon2id as OWASP asks for, and another each time', async () => {
    const [one, other] = await Promise.all([hashPassword('Füchse im Bau'), hashPassword('Füchse im Bau')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(other);
    expect(await verifyPassword(one, 'Füchse im Bau')).toBe(true);
    expect(await verifyPassword(one, 'Füchse im bau')).toBe(false);
  });

  it('is not tried when its turn comes too late', async () => {
    const passwordHash = await hashPassword('right');
    const attempt = verifyPassword(passwordHash, 'right', () => {
      throw new Error('waiting');
    });
    await expect(attempt).rejects.toThrow('waiting');
  });

  it('leaves the event loop free while it is hashed', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await Promise.all(Array.from({ length: 8 }, () => hashPassword('x')));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(8);
  });
});

describe('slots', () => {
  it('run so many at once, the others in their order, and turn away the rest', async () => {
    const slots = new Slots({ parallel: 2, waiting: 3 });
    const started: number[] = [];
    const releases: (() => void)[] = [];
    const runs = Array.from({ length: 6 }, (_, index) =>
      slots.run(async () => {
        started.push(index);
        await new Promise<void>((resolve) => releases.push(resolve));
        return index;
      }),
    ).map((run) => run.catch((error: SignetError) => error.kind));
    for (const count of [2, 3, 4, 5, 5]) {
      while (started.length < count) await Promise.resolve();
      expect(started).toEqual([0, 1, 2, 3, 4].slice(0, count));
      releases.shift()?.();
    }
    expect(await Promise.all(runs)).toEqual([0, 1, 2, 3, 4, 'unavailable']);
  });

  it('are free again after a failure', async () => {
    const slots = new Slots({ parallel: 1, waiting: 0 });
    await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await slots.run(() => Promise.resolve('yes'))).toBe('yes');
  });
});
