import type { Readable } from 'node:stream';
import { SignetError, within } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ByteRange } from './byte-range.js';
import type { StoredFile } from './file.js';
import { findFile, type FileKey } from './files.sql.js';
import { FileStore } from './store/file-store.js';

/** A person waits for this; a healthy read takes a few ms. */
const DATABASE_DEADLINE_MS = 1500;

/** What is known of files, and their contents. */
@Injectable()
export class FileContents {
  constructor(
    private readonly dataSource: DataSource,
    private readonly store: FileStore,
  ) {}

  /** @throws SignetError `not-found` | `unavailable` */
  async find(key: FileKey): Promise<StoredFile> {
    const file = await this.look(key);
    if (!file) throw new SignetError('not-found');
    return file;
  }

  /** @param range within the file; absent: all of it @throws SignetError `unavailable` */
  async read({ objectId }: Pick<StoredFile, 'objectId'>, range?: ByteRange): Promise<Readable> {
    try {
      return await this.store.read(objectId, range);
    } catch (error) {
      // The row says that it is there: a store that has lost it, or that is another one than the control plane's.
      if (error instanceof SignetError && error.kind === 'not-found')
        throw new SignetError('unavailable', {
          cause: new Error('The store lacks the content of a file', { cause: error }),
        });
      throw error;
    }
  }

  private async look(key: FileKey): Promise<StoredFile | undefined> {
    try {
      return await within(DATABASE_DEADLINE_MS, findFile(this.dataSource.manager, key));
    } catch (cause) {
      throw new SignetError('unavailable', { cause });
    }
  }
}
