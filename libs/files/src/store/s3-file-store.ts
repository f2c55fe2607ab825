import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  S3Client,
  S3ServiceException,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { SignetError } from '@signet/platform';
import type { ByteRange } from '../byte-range.js';
import { FileStore } from './file-store.js';

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
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: keyOf(id), Body: Readable.from(content, { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    try {
      await upload.done();
    } catch (error) {
      // Parts of an upload that is not completed cost money and are seen by nobody.
      await upload.abort().catch(() => undefined);
      throw toStoreError(error);
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
    } catch (error) {
      const known = toStoreError(error);
      if (!(known instanceof SignetError) || known.kind !== 'not-found') throw known;
    }
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

function toStoreError(error: unknown): unknown {
  if (error instanceof SignetError) return error;
  if (!(error instanceof S3ServiceException))
    return isOfNetwork(error) ? new SignetError('unavailable', { cause: error }) : error;
  if (error.name === 'NoSuchKey') return new SignetError('not-found', { cause: error });
  if (FULL.has(error.name) || error.$metadata.httpStatusCode === 507)
    return new SignetError('storage-full', { cause: error });
  return new SignetError('unavailable', { cause: error });
}

/** Of the connection to the store; what the content threw is its reader's. */
const isOfNetwork = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || ('code' in error && /^(E[A-Z]+|EAI_\w+)$/.test(String(error.code))));
