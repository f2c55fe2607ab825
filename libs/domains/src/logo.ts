import { Readable } from 'node:stream';
import { LOGO_TYPES, MAX_LOGO_BYTES, type LogoType } from '@signet/contracts';
import { SignetError } from '@signet/platform';

/** How a file of each type begins; a WebP file has its length between the two parts. */
const SIGNATURES: Readonly<Record<LogoType, (bytes: Buffer) => boolean>> = {
  'image/png': (bytes) => bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  'image/jpeg': (bytes) => bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')),
  'image/webp': (bytes) => bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
};

/**
 * Reads a picture to its end. What it is, its first bytes say: a page in the clothes of a picture must not get in.
 * @param declared the `Content-Type` of the request
 * @throws SignetError `unsupported-media-type` | `body-too-large` | `invalid-request`
 */
export async function readLogoUpload(
  body: unknown,
  declared: string | undefined,
): Promise<{ contentType: LogoType; bytes: Buffer }> {
  const contentType = LOGO_TYPES.find((type) => declared?.split(';')[0]?.trim().toLowerCase() === type);
  if (contentType === undefined || !(body instanceof Readable))
    throw new SignetError('unsupported-media-type', { detail: `Send ${LOGO_TYPES.join(', ')}` });
  const chunks: Buffer[] = [];
  let length = 0;
  // Not ended here when there is too much: the connection is still needed for the answer.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > MAX_LOGO_BYTES)
      throw new SignetError('body-too-large', { detail: `A logo has at most ${MAX_LOGO_BYTES / 1024} KB` });
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (!SIGNATURES[contentType](bytes))
    throw new SignetError('invalid-request', { detail: `The body is no ${contentType}` });
  return { contentType, bytes };
}
