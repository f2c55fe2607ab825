import { constants } from 'node:fs';
import { access, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { SignetError } from '@signet/platform';
import type { ByteRange } from '../byte-range.js';
import { FileStore } from './file-store.js';
import { WatchedContent } from './watched-content.js';

const MODE = { directory: 0o700, file: 0o600 };
const UUID = /^[0-9a-f-]{36}$/;

/**
 * Objects as files below a folder: `ab/cd/<id>`, by the last characters of the id, which are random. A content is written
 * beside its place, synced, and renamed, so that a crash at any moment leaves all of it or nothing.
 */
export class DirectoryFileStore extends FileStore {
  constructor(private readonly directory: string) {
    super();
  }

  async write(id: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const place = this.placeOf(id);
    const partial = partialOf(place);
    const watched = new WatchedContent(content);
    try {
      await mkdir(dirname(place), { recursive: true, mode: MODE.directory });
      await writeDurably(partial, watched.read());
      await rename(partial, place);
      await syncDirectory(dirname(place));
    } catch (error) {
      // When even that fails, whoever keeps the list of what is loose removes it later.
      await this.remove(id).catch(() => undefined);
      throw watched.blame(error, toStoreError);
    }
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    const place = this.placeOf(id);
    try {
      const handle = await open(place, 'r');
      return handle.createReadStream({ start: range?.first, end: range?.last });
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async remove(id: string): Promise<void> {
    const place = this.placeOf(id);
    await rm(partialOf(place), { force: true });
    await rm(place, { force: true });
  }

  async ping(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: MODE.directory });
    await access(this.directory, constants.R_OK);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private placeOf(id: string): string {
    // Ids are ours; this is the wall behind which no other text can become a path.
    if (!UUID.test(id)) throw new Error('An object of the file store has a UUID');
    return join(this.directory, id.slice(-2), id.slice(-4, -2), id);
  }
}

const partialOf = (place: string): string => `${place}.partial`;

async function writeDurably(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'wx', MODE.file);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name of a file is durable when its folder is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle: FileHandle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function toStoreError(cause: unknown): SignetError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (FULL.has(code)) return new SignetError('storage-full', { cause });
  return new SignetError(code === 'ENOENT' ? 'not-found' : 'unavailable', { cause });
}
