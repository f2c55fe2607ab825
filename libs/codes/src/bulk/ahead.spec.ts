import { setImmediate as turn } from 'node:timers/promises';
import { ahead } from './ahead.js';

describe('going ahead', () => {
  it('makes the next item while one is in use, never more, and ends with its source', async () => {
    const made: number[] = [];
    let ended = false;
    async function* source(): AsyncGenerator<number> {
      try {
        for (let item = 1; item <= 4; item += 1) {
          made.push(item);
          yield item;
        }
      } finally {
        ended = true;
      }
      await turn();
    }
    const used: [number, number[]][] = [];
    for await (const item of ahead(source())) {
      await turn();
      used.push([item, [...made]]);
      if (item === 3) break;
    }
    expect(used).toEqual([
      [1, [1, 2]],
      [2, [1, 2, 3]],
      [3, [1, 2, 3, 4]],
    ]);
    expect(ended).toBe(true);
  });

  it('fails where its source fails, after what came before', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await turn();
      throw new Error('gone');
    }
    const used: number[] = [];
    const reading = (async () => {
      for await (const item of ahead(source())) used.push(item);
    })();
    await expect(reading).rejects.toThrow('gone');
    expect(used).toEqual([1]);
  });
});
