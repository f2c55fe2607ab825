import { finished, type Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { SignetError } from '@signet/platform';
import { parse } from 'content-disposition';
import { mediaTypeOf, UNKNOWN_TYPE } from './content-type.js';

/** A file as a client sends it. */
export interface Upload {
  /** Its end is the end of all that was sent. */
  content: AsyncIterable<Buffer>;
  /** As the client says, in one of three places; it may be anything. */
  name?: string | undefined;
  /** Media type, as the client says. */
  said?: string | undefined;
  /** When it is known before the end. */
  bytes?: number | undefined;
}

export interface UploadHeaders {
  'content-type'?: string | undefined;
  'content-length'?: string | undefined;
  'content-disposition'?: string | undefined;
}

const FORM = 'multipart/form-data';

/**
 * @param body of the request: the file, or a form with it
 * @throws SignetError `unsupported-media-type` | `unreadable-request` | `invalid-request`
 */
export async function readUpload(body: unknown, headers: UploadHeaders): Promise<Upload> {
  const type = mediaTypeOf(headers['content-type']);
  if (!isReadable(body) || type === undefined)
    throw new SignetError('unsupported-media-type', {
      detail: 'Send the file as the body, JSON as application/octet-stream, or in a multipart/form-data',
    });
  if (type === FORM) return fileOfForm(body, headers['content-type'] ?? '');
  const length = headers['content-length'];
  return {
    content: withoutEnding(body),
    name: nameOf(headers['content-disposition']),
    said: type === UNKNOWN_TYPE ? undefined : type,
    bytes: length === undefined ? undefined : Number(length),
  };
}

const isReadable = (body: unknown): body is Readable =>
  typeof body === 'object' && body !== null && 'pipe' in body && typeof body.pipe === 'function';

function nameOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  try {
    return parse(header).parameters['filename'];
  } catch {
    return undefined;
  }
}

/** The one file of a form (RFC 7578), as soon as it begins; its content ends only when all of the form is there. */
function fileOfForm(body: Readable, contentType: string): Promise<Upload> {
  const form = openForm(contentType);
  let part: BusboyFileStream | undefined;
  const begun = Promise.withResolvers<Upload>();
  const whole = Promise.withResolvers<void>();
  // Whoever reads the content hears of it; where there is none, nobody does.
  whole.promise.catch(() => undefined);
  const refuse = (error: SignetError): void => {
    release(body, form);
    begun.reject(error);
    whole.reject(error);
    if (part && !part.readableEnded) part.destroy(error);
  };
  form.on('file', (_field, stream, filename, _encoding, mimeType) => {
    part = stream;
    // Heard by whoever reads it; when nobody does any more, it is of no interest.
    stream.on('error', () => undefined);
    const type = mediaTypeOf(mimeType);
    const content = wholeContent(stream, whole.promise, () => release(body, form));
    begun.resolve({ content, name: filename, said: type === UNKNOWN_TYPE ? undefined : type });
  });
  form.on('filesLimit', () =>
    refuse(new SignetError('invalid-request', { detail: 'The form has more than one file' })),
  );
  form.on('finish', () => {
    if (part) whole.resolve();
    else refuse(new SignetError('invalid-request', { detail: 'The form has no file' }));
  });
  form.on('error', (cause: unknown) =>
    refuse(new SignetError('unreadable-request', { detail: 'The form cannot be read', cause })),
  );
  finished(body, { writable: false }, (cause) => {
    if (cause) refuse(new SignetError('unreadable-request', { detail: 'The upload broke off', cause }));
  });
  body.pipe(form);
  return begun.promise;
}

async function* wholeContent(part: Readable, whole: Promise<void>, letGo: () => void): AsyncGenerator<Buffer> {
  try {
    yield* withoutEnding(part);
    await whole;
  } finally {
    letGo();
  }
}

/** What is left of the body is read and forgotten, so that the connection can carry the answer. */
function release(body: Readable, form: BusboyInstance): void {
  body.unpipe(form);
  body.resume();
}

/** A stream that is not destroyed when nobody wants the rest of it: the connection is still needed for the answer. */
const withoutEnding = (stream: Readable): AsyncIterable<Buffer> => stream.iterator({ destroyOnReturn: false });

const LIMITS = { files: 1, fields: 20, fieldSize: 1000, fieldNameSize: 100, headerPairs: 20 };

function openForm(contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
  } catch (cause) {
    throw new SignetError('unreadable-request', { detail: 'The form has no boundary', cause });
  }
}
