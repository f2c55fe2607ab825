import { hashPassword, ManualClock, SignetError } from '@signet/platform';
import { PasswordDesk } from './password-desk.js';

describe('the passwords of a code', () => {
  const clock = new ManualClock();
  let desk: PasswordDesk;
  let passwordHash: string;

  beforeAll(async () => {
    passwordHash = await hashPassword('right');
  });
  beforeEach(() => {
    desk = new PasswordDesk(clock);
  });

  const attempt = async (password: string, key = 'code'): Promise<boolean | number> => {
    try {
      return await desk.isRight({ key, passwordHash, password });
    } catch (error) {
      return error instanceof SignetError ? (error.details.retryAfter ?? 0) : 0;
    }
  };
  const fail = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) expect(await attempt('wrong')).toBe(false);
  };

  it('are waited for ever longer after ten failures, each code for itself', async () => {
    await fail(10);
    const waits: (boolean | number)[] = [];
    for (let n = 0; n < 4; n++) {
      const wait = Number(await attempt('right'));
      waits.push(wait);
      clock.advance(wait * 1000);
      await fail(1);
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    expect(await attempt('right', 'another code')).toBe(true);
  });

  it('are never waited for longer than five minutes, and right after a right one not at all', async () => {
    await fail(10);
    for (let n = 0; n < 12; n++) {
      clock.advance(300_000);
      await fail(1);
    }
    expect(await attempt('right')).toBe(300);
    clock.advance(300_000);
    expect(await attempt('right')).toBe(true);
    await fail(1);
  });

  it('are forgiven after a quarter of an hour', async () => {
    await fail(10);
    clock.advance(900_001);
    await fail(9);
  });

  it('that are tried at once are not all tried', async () => {
    await fail(8);
    const answers = await Promise.all(Array.from({ length: 40 }, () => attempt('wrong')));
    expect(answers.filter((answer) => answer === false).length).toBeLessThanOrEqual(4);
  });
});
