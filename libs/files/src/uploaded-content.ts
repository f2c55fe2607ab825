import { createHash } from 'node:crypto';
import { SignetError } from '@signet/platform';
import { HEAD_BYTES } from './content-type.js';

/** What goes by: counted, hashed, and its beginning kept. */
export class UploadedContent {
  private readonly hash = createHash('sha256');
  private readonly beginning: Uint8Array[] = [];
  private kept = 0;
  bytes = 0;

  constructor(
    private readonly source: AsyncIterable<Buffer>,
    /** What to throw when there are more bytes than that. */
    private readonly most: { bytes: number; error: () => SignetError },
  ) {}

  /** @throws SignetError as `most` says; `unreadable-request` when the client breaks off */
  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.source) {
        this.take(chunk);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof SignetError) throw error;
      throw new SignetError('unreadable-request', { detail: 'The upload broke off', cause: error });
    }
  }

  /** Hex, of all that was read. */
  sha256(): string {
    return this.hash.digest('hex');
  }

  get head(): Uint8Array {
    return Buffer.concat(this.beginning);
  }

  private take(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.most.bytes) throw this.most.error();
    this.hash.update(chunk);
    if (this.kept >= HEAD_BYTES) return;
    const part = Buffer.from(chunk.subarray(0, HEAD_BYTES - this.kept));
    this.beginning.push(part);
    this.kept += part.length;
  }
}
