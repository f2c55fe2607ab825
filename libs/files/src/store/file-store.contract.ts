import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { newId } from '@signet/platform';
import type { FileStore } from './file-store.js';

const MB = 1024 * 1024;

export interface StoreUnderTest {
  store: FileStore;
  /** Whether nothing at all is left in it, of whole objects and of broken uploads. */
  isEmpty: () => Promise<boolean>;
  close: () => Promise<void>;
}

/**
 * What every adapter of `FileStore` promises.
 * @param liveBytes begins to tell what is held in buffers
 * @param open an empty store
 */
export function describeFileStore(
  title: string,
  liveBytes: () => () => number,
  open: () => Promise<StoreUnderTest>,
): void {
  describe(title, () => {
    let opened: StoreUnderTest;
    let store: FileStore;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.close());

    async function* pieces(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
      for (const chunk of chunks) {
        await nextTurn();
        yield chunk;
      }
    }
    const readAll = async (id: string, range?: { first: number; last: number }): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of await store.read(id, range)) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const written = async (...chunks: Uint8Array[]): Promise<string> => {
      const id = newId();
      await store.write(id, pieces(...chunks));
      return id;
    };
    const isMissing = expect.objectContaining({ kind: 'not-found' });

    it.each([0, 1, 4097, 5 * MB, 5 * MB + 1, 12 * MB])('gives back a content of %d bytes', async (bytes) => {
      const content = randomBytes(bytes);
      const cut = Math.floor(bytes / 3);
      const id = await written(content.subarray(0, cut), content.subarray(cut));
      expect((await readAll(id)).equals(content)).toBe(true);
      await store.remove(id);
    });

    it('gives back any part of a content', async () => {
      const id = await written(Buffer.from('0123'), Buffer.from('456789'));
      const parts = [
        { first: 0, last: 0 },
        { first: 2, last: 5 },
        { first: 9, last: 9 },
        { first: 0, last: 9 },
      ];
      const read = await Promise.all(parts.map((part) => readAll(id, part)));
      expect(read.map(String)).toEqual(['0', '2345', '9', '0123456789']);
      await store.remove(id);
    });

    it('keeps contents that are written at once apart', async () => {
      const contents = Array.from({ length: 8 }, () => randomBytes(100_000));
      const ids = await Promise.all(contents.map((content) => written(content)));
      const read = await Promise.all(ids.map((id) => readAll(id)));
      expect(read.every((content, index) => content.equals(contents[index] ?? Buffer.alloc(0)))).toBe(true);
      await Promise.all(ids.map((id) => store.remove(id)));
    });

    it.each([1, 6 * MB])('keeps nothing of a content that breaks off after %d bytes', async (bytes) => {
      const id = newId();
      const brokenOff = new Error('broken off');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield randomBytes(bytes);
        await nextTurn();
        throw brokenOff;
      }
      await expect(store.write(id, broken())).rejects.toBe(brokenOff);
      await expect(store.read(id)).rejects.toEqual(isMissing);
      expect(await opened.isEmpty()).toBe(true);
    });

    it('shows nothing of a content before all of it is there', async () => {
      const id = newId();
      const [isAsked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* halting(): AsyncGenerator<Uint8Array> {
        yield randomBytes(6 * MB);
        isAsked.resolve();
        await goOn.promise;
        yield randomBytes(10);
      }
      const writing = store.write(id, halting());
      await isAsked.promise;
      await expect(store.read(id)).rejects.toEqual(isMissing);
      goOn.resolve();
      await writing;
      expect(await readAll(id)).toHaveLength(6 * MB + 10);
      await store.remove(id);
    });

    it('says that it does not have what was never there, and what was removed', async () => {
      const id = await written(Buffer.from('gone'));
      await store.remove(id);
      await store.remove(id);
      for (const missing of [id, newId()]) await expect(store.read(missing)).rejects.toEqual(isMissing);
    });

    it('has no more in memory of a large content than a few parts', async () => {
      const times = 64;
      const piece = Buffer.alloc(MB, 7);
      const held = liveBytes();
      const before = held();
      let peak = 0;
      async function* large(): AsyncGenerator<Uint8Array> {
        for (let sent = 0; sent < times; sent += 1) {
          yield piece;
          if (sent % 8 === 7) peak = Math.max(peak, held() - before);
        }
      }
      const id = newId();
      await store.write(id, large());
      let read = 0;
      for await (const chunk of await store.read(id)) read += chunk.length;
      expect(read).toBe(times * MB);
      expect(peak).toBeLessThan(25 * MB);
      await store.remove(id);
    });

    it('can be used, and says so', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });

    it('is empty when all is removed', async () => {
      expect(await opened.isEmpty()).toBe(true);
    });
  });
}
