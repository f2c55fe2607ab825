import { isUtf8 } from 'node:buffer';
import type { FileTarget } from '@signet/contracts';
import { fileTypeFromBuffer } from 'file-type';

/** So many bytes of the beginning tell the type. */
export const HEAD_BYTES = 4100;
export const UNKNOWN_TYPE = 'application/octet-stream';
const MAX_TYPE_LENGTH = 127;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

/** Containers whose beginning does not tell what is in them: there the client knows better. */
const CONTAINERS: ReadonlySet<string> = new Set(['application/zip', 'application/x-cfb', 'application/xml']);

/** What a browser shows without running anything of it in our name. Everything else it is asked to save. */
const SHOWN: ReadonlySet<string> = new Set([
  'application/pdf',
  'audio/aac',
  'audio/flac',
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/opus',
  'audio/wav',
  'audio/x-m4a',
  'image/apng',
  'image/avif',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'text/plain',
  'video/mp4',
  'video/ogg',
  'video/webm',
]);

/** What a browser, or the system behind it, might run: HTML, and whatever may carry a script. */
const DANGEROUS = /(?:html|xml|svg|javascript|ecmascript|jscript|vbscript|xslt|x-shockwave-flash|hta|multipart\/)/;

/** @returns the media type of a `Content-Type` in lower case without parameters; undefined when it is none */
export function mediaTypeOf(header: string | undefined): string | undefined {
  const [type = ''] = (header ?? '').split(';', 1);
  const normal = type.trim().toLowerCase();
  return normal.length <= MAX_TYPE_LENGTH && MEDIA_TYPE.test(normal) ? normal : undefined;
}

/**
 * What a content is. What its first bytes show counts for more than what is said of it, and nothing that a browser would
 * show is taken for it by mere word.
 * @param head its first bytes, at least `HEAD_BYTES` of them when it has so many
 * @param said media type of the upload
 */
export async function detectType(head: Uint8Array, said: string | undefined): Promise<string> {
  const seen = (await fileTypeFromBuffer(head))?.mime.toLowerCase();
  if (seen !== undefined && !CONTAINERS.has(seen)) return mediaTypeOf(seen) ?? UNKNOWN_TYPE;
  if (said === 'text/plain') return looksLikeText(head) ? said : UNKNOWN_TYPE;
  if (said === undefined || SHOWN.has(said)) return seen ?? UNKNOWN_TYPE;
  return said;
}

/** A character may be cut at the end of the head. */
const looksLikeText = (head: Uint8Array): boolean =>
  !head.includes(0) && [0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, Math.max(0, head.length - cut))));

export interface Presentation {
  contentType: string;
  disposition: FileTarget['disposition'];
  /** Of the answer: whatever the content is, it runs no script and loads nothing in our name. */
  contentSecurityPolicy: string;
}

const SANDBOX =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
/** The viewers of browsers refuse to open a PDF in a sandbox, and are one themselves. */
const PDF_POLICY =
  "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** How a content is served: as what it is only where that is harmless, and shown only where it is asked for. */
export function presentationOf(contentType: string, wanted: FileTarget['disposition']): Presentation {
  const disposition = SHOWN.has(contentType) ? wanted : 'attachment';
  const served = DANGEROUS.test(contentType) ? UNKNOWN_TYPE : contentType;
  return {
    contentType: served === 'text/plain' ? 'text/plain; charset=utf-8' : served,
    disposition,
    contentSecurityPolicy: served === 'application/pdf' ? PDF_POLICY : SANDBOX,
  };
}

/** Whether a page can show a content as its picture. */
export const isPicture = (contentType: string): boolean => contentType.startsWith('image/') && SHOWN.has(contentType);
