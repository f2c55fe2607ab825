import { Quotas } from '@signet/access';
import { SignetConfig, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { detectType } from './content-type.js';
import type { StoredFile } from './file.js';
import { LooseObjects } from './loose-objects.js';
import { FileStore } from './store/file-store.js';
import type { Upload } from './upload.js';
import { UploadedContent } from './uploaded-content.js';

/** A content that is durable in the store, and belongs to no file yet. */
export type Received = Pick<StoredFile, 'objectId' | 'contentType' | 'bytes' | 'sha256'>;

/** Takes contents into the store as they come. */
@Injectable()
export class ContentIntake {
  constructor(
    private readonly config: SignetConfig,
    private readonly quotas: Quotas,
    private readonly store: FileStore,
    private readonly objects: LooseObjects,
  ) {}

  /**
   * @param freed bytes that the content takes the place of
   * @throws SignetError `body-too-large` | `quota-exceeded` | `storage-full` | `unreadable-request` | `unavailable`; what
   * came until then is gone
   */
  async receive(workspaceId: string, upload: Upload, freed = 0): Promise<Received> {
    const content = new UploadedContent(upload.content, await this.most(workspaceId, upload, freed));
    const objectId = await this.objects.begin();
    try {
      await this.store.write(objectId, content.read());
      const contentType = await detectType(content.head, upload.said);
      return { objectId, contentType, bytes: content.bytes, sha256: content.sha256() };
    } catch (error) {
      await this.objects.discard(objectId);
      throw error;
    }
  }

  /** What is known to be too much is refused before it is sent; the quota is asked again when the file is there. */
  private async most(
    workspaceId: string,
    { bytes = 0 }: Upload,
    freed: number,
  ): Promise<{ bytes: number; error: () => SignetError }> {
    const limit = this.config.values.SIGNET_FILE_MAX_BYTES;
    const tooLarge = (): SignetError =>
      new SignetError('body-too-large', { detail: `A file has at most ${limit} bytes`, limit });
    if (bytes > limit) throw tooLarge();
    const room = await this.quotas.roomForFile(workspaceId, bytes - freed);
    if (room === null || room + freed >= limit) return { bytes: limit, error: tooLarge };
    const noRoom = (): SignetError =>
      new SignetError('quota-exceeded', { detail: `There is room for ${room} more bytes of files` });
    return { bytes: room + freed, error: noRoom };
  }
}
