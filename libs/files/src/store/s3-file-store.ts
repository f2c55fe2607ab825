import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
  S3ServiceException,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { SignetError } from '@signet/platform';
import type { ByteRange } from '../byte-range.js';
import { FileStore } from './file-store.js';
import { WatchedContent } from './watched-content.js';

/** The smallest part that S3 takes; so many are in memory at once, and that is all of an upload that is. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

export interface S3Options {
  bucket: string;
  /** Absent: AWS's own of the region. */
  endpoint?: string;
  region: string;
  /** Absent: as the SDK finds them (environment, instance role). */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  forcePathStyle: boolean;
}

/** Objects in a bucket of any S3-compatible store; what is larger than a part goes up in parts, and appears at once. */
export class S3FileStore extends FileStore {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor({ bucket, ...options }: S3Options) {
    super();
    this.bucket = bucket;
    this.client = new S3Client({
      ...options,
      // Checksums of every part beyond the signature's are news to many stores but AWS.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 3000, requestTimeout: 60_000 },
    } satisfies S3ClientConfig);
  }

  async write(id: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const watched = new WatchedContent(content);
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: keyOf(id), Body: Readable.from(watched.read(), { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    try {
      await upload.done();
    } catch (error) {
      // Parts of an upload that is not completed cost money and are seen by nobody.
      await upload.abort().catch(() => undefined);
      throw watched.blame(error, toStoreError);
    }
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    try {
      const { Body } = await this.client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: keyOf(id),
          ...(range && { Range: `bytes=${range.first}-${range.last}` }),
        }),
      );
      if (!(Body instanceof Readable)) throw new Error('The store answered without a content');
      return Body;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: keyOf(id) }));
      await this.abortUploads(keyOf(id));
    } catch (error) {
      const known = toStoreError(error);
      if (known.kind !== 'not-found') throw known;
    }
  }

  /** Of a process that died with them in hand. */
  private async abortUploads(key: string): Promise<void> {
    const { Uploads = [] } = await this.client.send(
      new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: key }),
    );
    for (const { Key, UploadId } of Uploads)
      if (Key === key) await this.client.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
  }

  async ping(): Promise<void> {
    await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }));
  }

  close(): Promise<void> {
    this.client.destroy();
    return Promise.resolve();
  }
}

const keyOf = (id: string): string => `files/${id}`;

const FULL: ReadonlySet<string> = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity']);

function toStoreError(cause: unknown): SignetError {
  if (!(cause instanceof S3ServiceException)) return new SignetError('unavailable', { cause });
  if (cause.name === 'NoSuchKey') return new SignetError('not-found', { cause });
  const isFull = FULL.has(cause.name) || cause.$metadata.httpStatusCode === 507;
  return new SignetError(isFull ? 'storage-full' : 'unavailable', { cause });
}
