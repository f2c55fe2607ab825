import type { Readable } from 'node:stream';
import type { ByteRange } from '../byte-range.js';

/** An object of the store is written once and never changed. */
export abstract class FileStore {
  /**
   * Stores a content as it comes, in constant memory. Resolves when it is durable as a whole; when it rejects, nothing
   * of it can be read.
   * @param id a UUID that was never used
   * @throws SignetError `storage-full` | `unavailable`; and whatever `content` throws
   */
  abstract write(id: string, content: AsyncIterable<Uint8Array>): Promise<void>;

  /**
   * @param range within the content; absent: all of it
   * @returns the bytes, of an object that may be removed meanwhile
   * @throws SignetError `unavailable`; `not-found` when there is no such object
   */
  abstract read(id: string, range?: ByteRange): Promise<Readable>;

  /** Forgets an object and what an interrupted `write` left of it; one that is not there is fine. */
  abstract remove(id: string): Promise<void>;

  /** Rejects with the reason while the store cannot be used. */
  abstract ping(): Promise<void>;

  abstract close(): Promise<void>;
}
