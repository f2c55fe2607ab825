import { CallGroups } from './call-groups.js';

describe('CallGroups', () => {
  /** Groups that end when they are told to. */
  function heldGroups(options: { maxGroup?: number; maxWaiting?: number; nameOf?: (call: string) => string } = {}) {
    const groups: string[][] = [];
    const ends: ((error?: Error) => void)[] = [];
    const calls = new CallGroups<string, string>({
      maxGroup: 10,
      maxWaiting: 100,
      ...options,
      answer: (group) =>
        new Promise((resolve, reject) => {
          groups.push([...group]);
          ends.push((error) => (error ? reject(error) : resolve(group.map((call) => `${call}!`))));
        }),
      tooMany: () => new Error('too many'),
    });
    return { calls, groups, end: (error?: Error) => ends.at(-1)?.(error) };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await turn();
  };

  it('answers a lone call at once, and together what came meanwhile, up to a group', async () => {
    const { calls, groups, end } = heldGroups({ maxGroup: 2 });
    const first = calls.call('a');
    await until(() => groups.length === 1);
    const answers = [first, ...['b', 'c', 'd'].map((call) => calls.call(call))];
    for (let group = 1; group <= 3; group += 1) {
      await until(() => groups.length === group);
      end();
    }
    expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!', 'd!']);
    expect(groups).toEqual([['a'], ['b', 'c'], ['d']]);
  });

  it('never has a name twice in a group, and keeps the order of each name', async () => {
    const { calls, groups, end } = heldGroups({ nameOf: (call) => call.charAt(0) });
    const answers = ['x1', 'a1', 'a2', 'b1', 'a3'].map((call) => calls.call(call));
    for (let group = 1; group <= 3; group += 1) {
      await until(() => groups.length === group);
      end();
    }
    await Promise.all(answers);
    expect(groups).toEqual([['x1', 'a1', 'b1'], ['a2'], ['a3']]);
  });

  it('fails a group and no other, and refuses what would wait for too long', async () => {
    const { calls, groups, end } = heldGroups({ maxWaiting: 1 });
    const first = calls.call('a');
    await until(() => groups.length === 1);
    const [second, third] = ['b', 'c'].map((call) => calls.call(call));
    await expect(third).rejects.toThrow('too many');
    end(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    await until(() => groups.length === 2);
    end();
    expect(await second).toBe('b!');
  });
});
