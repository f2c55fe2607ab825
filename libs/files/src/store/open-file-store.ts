import { join } from 'node:path';
import type { SignetConfig } from '@signet/platform';
import { DirectoryFileStore } from './directory-file-store.js';
import type { FileStore } from './file-store.js';
import { S3FileStore } from './s3-file-store.js';

/** The bucket that the configuration names, or else a folder. */
export function openFileStore({ values }: SignetConfig): FileStore {
  const { SIGNET_S3_BUCKET: bucket, SIGNET_S3_ACCESS_KEY_ID: id, SIGNET_S3_SECRET_ACCESS_KEY: secret } = values;
  if (bucket === undefined)
    return new DirectoryFileStore(values.SIGNET_FILES_DIR ?? join(values.SIGNET_DATA_DIR, 'files'));
  return new S3FileStore({
    bucket,
    endpoint: values.SIGNET_S3_ENDPOINT,
    region: values.SIGNET_S3_REGION,
    credentials: id && secret ? { accessKeyId: id, secretAccessKey: secret.reveal() } : undefined,
    forcePathStyle: values.SIGNET_S3_FORCE_PATH_STYLE,
  });
}
