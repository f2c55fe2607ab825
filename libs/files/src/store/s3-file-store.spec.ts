import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { newId } from '@signet/platform';
import { liveBytes } from '@signet/testing';
import { describeFileStore } from './file-store.contract.js';
import { S3FileStore } from './s3-file-store.js';
import { hasS3Server, startS3Server, type S3Server } from './s3-server.fixture.js';

const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const describeOnS3 = hasS3Server || isRequired ? describe : describe.skip;
const BUCKET = 'signet-files';
const access = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  forcePathStyle: true,
};

const newStore = ({ endpoint }: S3Server, bucket = BUCKET): S3FileStore =>
  new S3FileStore({ bucket, endpoint, ...access });

describeOnS3(hasS3Server || isRequired ? 'S3' : 'S3 (skipped: moto is not installed)', () => {
  let server: S3Server;
  let client: S3Client;
  beforeAll(async () => {
    server = await startS3Server();
    client = new S3Client({ endpoint: server.endpoint, ...access });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await server.close();
  });

  const isEmpty = async (): Promise<boolean> => {
    const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return KeyCount === 0 && Uploads.length === 0;
  };

  describeFileStore('a bucket as the store of files', liveBytes, async () => {
    const store = newStore(server);
    return { store, isEmpty, close: () => store.close() };
  });

  it('removes the parts that a process left that was killed while it wrote', async () => {
    const store = newStore(server);
    const id = newId();
    const Key = `files/${id}`;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
    await client.send(new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: 'half' }));
    expect(await isEmpty()).toBe(false);
    await store.remove(id);
    expect(await isEmpty()).toBe(true);
    await store.close();
  });

  it('is unavailable without its bucket, and without its server', async () => {
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
    }
    const nowhere = { ...server, endpoint: 'http://127.0.0.1:1' };
    for (const store of [newStore(server, 'nobody-made-this'), newStore(nowhere)]) {
      await expect(store.ping()).rejects.toThrow(/./);
      await expect(store.write(newId(), content())).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(store.read(newId())).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(store.remove(newId())).rejects.toMatchObject({ kind: 'unavailable' });
      await store.close();
    }
  });
});
