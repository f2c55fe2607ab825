import { SharedReads } from './shared-reads.js';

describe('SharedReads', () => {
  /** Reads that end when they are told to. */
  function heldReads() {
    const begun: { end: (value: string) => void; fail: (error: Error) => void }[] = [];
    const read = (): Promise<string> => new Promise((end, fail) => begun.push({ end, fail }));
    return { begun, read };
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('gives all who ask during a read the one after it, never the one that began before they asked', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>();
    const first = reads.read('key', read);
    const others = Array.from({ length: 10 }, () => reads.read('key', read));
    expect(begun).toHaveLength(1);
    begun[0]?.end('before');
    expect(await first).toBe('before');
    await settle();
    expect(begun).toHaveLength(2);
    const late = reads.read('key', read);
    begun[1]?.end('after');
    expect(await Promise.all(others)).toEqual(Array.from({ length: 10 }, () => 'after'));
    await settle();
    begun[2]?.end('last');
    expect(await late).toBe('last');
  });

  it('keeps things apart, and a failure to those who asked for it', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>();
    const [one, other, next] = [reads.read('one', read), reads.read('other', read), reads.read('one', read)];
    expect(begun).toHaveLength(2);
    begun[0]?.fail(new Error('gone'));
    begun[1]?.end('other');
    await expect(one).rejects.toThrow('gone');
    expect(await other).toBe('other');
    await settle();
    begun[2]?.end('again');
    expect(await next).toBe('again');
  });

  it('lets those who come while the next read rests share it', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>(5);
    const first = reads.read('key', read);
    const waiting = reads.read('key', read);
    begun[0]?.end('before');
    expect(await first).toBe('before');
    await settle();
    const late = reads.read('key', read);
    expect(begun).toHaveLength(1);
    while (begun.length < 2) await settle();
    begun[1]?.end('after');
    expect(await Promise.all([waiting, late])).toEqual(['after', 'after']);
    expect(begun).toHaveLength(2);
  });
});
