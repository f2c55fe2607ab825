import { BackgroundLoop } from './background-loop.js';
import { createLogger } from './logging.js';

const logger = createLogger({ service: 'test', instance: 'test', level: 'silent' });
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('BackgroundLoop', () => {
  it('goes on at once while there is more, and then rests until it is woken', async () => {
    let steps = 0;
    const loop = new BackgroundLoop({
      failure: 'x',
      step: async () => (steps += 1) % 3 !== 0,
      idleMilliseconds: 3_600_000,
      logger,
    });
    loop.start();
    await until(() => steps === 3);
    loop.wake();
    await until(() => steps === 6);
    await loop.stop();
    expect(steps).toBe(6);
  });

  it('hears a wake that comes during a step', async () => {
    let steps = 0;
    const loop: BackgroundLoop = new BackgroundLoop({
      failure: 'x',
      async step() {
        if ((steps += 1) === 1) loop.wake();
        return false;
      },
      idleMilliseconds: 3_600_000,
      logger,
    });
    loop.start();
    await until(() => steps === 2);
    await loop.stop();
    expect(steps).toBe(2);
  });

  it('rests before it goes on for who woke it, and then goes on at once', async () => {
    const began: number[] = [];
    const loop: BackgroundLoop = new BackgroundLoop({
      failure: 'x',
      async step() {
        began.push(performance.now());
        if (began.length === 1) loop.wake();
        return false;
      },
      idleMilliseconds: 3_600_000,
      restMilliseconds: 20,
      logger,
    });
    loop.start();
    await until(() => began.length === 2);
    await loop.stop();
    const [first = 0, second = 0] = began;
    expect(second - first).toBeGreaterThanOrEqual(19);
    expect(began).toHaveLength(2);
  });

  it('survives failures and stops in the middle of a wait', async () => {
    let steps = 0;
    const loop = new BackgroundLoop({
      failure: 'x',
      async step() {
        if ((steps += 1) === 1) throw new Error('away');
        return false;
      },
      idleMilliseconds: 3_600_000,
      logger,
    });
    loop.start();
    await until(() => steps === 2);
    await loop.stop();
    expect(steps).toBe(2);
  });
});
