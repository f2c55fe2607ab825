import { setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { hashPassword, ManualClock, MemoryCodeState, newId, RedisCodeState, SignetError } from '@signet/platform';
import { testLogger } from '@signet/testing';
import { PasswordDesk } from './password-desk.js';

describe('the passwords of a code', () => {
  const clock = new ManualClock();
  let codeState: MemoryCodeState;
  let desk: PasswordDesk;
  let passwordHash: string;

  beforeAll(async () => {
    passwordHash = await hashPassword('right');
  });
  beforeEach(() => {
    // The counts of `CodeState` go by the process' own clock.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    codeState = new MemoryCodeState({ clock });
    desk = new PasswordDesk(codeState);
    told = [];
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  let told: number[];
  const attempt = async (password: string, key = 'code'): Promise<boolean | number> => {
    try {
      const { isRight, excess } = await desk.check({ key, passwordHash, password, at: new Date() });
      if (excess) told.push(excess.count);
      return isRight;
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
      jest.advanceTimersByTime(wait * 1000);
      await fail(1);
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    expect(told).toEqual([10]);
    expect(await attempt('right', 'another code')).toBe(true);
  });

  it('are never waited for longer than five minutes, and right after a right one not at all', async () => {
    await fail(10);
    for (let n = 0; n < 12; n++) {
      jest.advanceTimersByTime(300_000);
      await fail(1);
    }
    expect(await attempt('right')).toBe(300);
    jest.advanceTimersByTime(300_000);
    expect(await attempt('right')).toBe(true);
    await fail(1);
  });

  it('are forgiven after a quarter of an hour', async () => {
    await fail(10);
    jest.advanceTimersByTime(900_001);
    await fail(9);
  });

  it('that are tried at once are not all tried', async () => {
    await fail(8);
    const answers = await Promise.all(Array.from({ length: 40 }, () => attempt('wrong')));
    expect(answers.filter((answer) => answer === false).length).toBeLessThanOrEqual(4);
  });
});

const { SIGNET_TEST_REDIS_URL: url } = process.env;
(url ? describe : describe.skip)('the passwords of a code, over two processes', () => {
  it('are waited for in both after ten failures in either, and end the wait of both', async () => {
    const passwordHash = await hashPassword('right');
    const options = { url: url ?? '', logger: testLogger(), prefix: `test:${newId()}` };
    const states = [new RedisCodeState(options), new RedisCodeState(options)] as const;
    const [one, other] = [new PasswordDesk(states[0]), new PasswordDesk(states[1])];
    const at = new Date();
    for (let n = 0; n < 10; n++) {
      const desk = n % 2 === 0 ? one : other;
      const { isRight, excess } = await desk.check({ key: 'code', passwordHash, password: 'wrong', at });
      expect([isRight, excess?.count]).toEqual([false, n === 9 ? 10 : undefined]);
    }
    const right = { key: 'code', passwordHash, password: 'right', at };
    for (const desk of [one, other]) await expect(desk.check(right)).rejects.toThrow(SignetError);
    while (
      !(await one.check(right).then(
        ({ isRight }) => isRight,
        () => false,
      ))
    )
      await pause(50);
    for (let n = 0; n < 9; n++) await other.check({ ...right, password: 'wrong' });
    expect(await other.check(right)).toEqual({ isRight: true });
    await Promise.all(states.map((state) => state.close()));
  });
});
