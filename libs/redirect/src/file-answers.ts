import type { CodeSnapshot, FileTarget, PageBrand } from '@signet/contracts';
import { contentTag, dispositionOf, GRANT_SECONDS, presentationOf, rangeOf, type StoredFile } from '@signet/files';
import type { ByteRange } from '@signet/files';
import { filePage } from '@signet/pages';
import { isFresh } from '@signet/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { prefersJson } from './accept.js';
import { frameFor, HEADERS, sendPage, sendRedirect } from './answers.js';

type SlugRequest = FastifyRequest<{ Params: { slug: string } }>;

/** @returns undefined for a code that leads elsewhere */
export const fileTargetOf = ({ kind, target }: CodeSnapshot): FileTarget | undefined =>
  kind === 'file' && 'fileId' in target ? target : undefined;

export const pathOf = ({ params: { slug } }: SlugRequest): string => `/${encodeURIComponent(slug)}`;
const contentPathOf = (request: SlugRequest): string => `${pathOf(request)}/file`;

/** The picture of a page, as if its code gave it. */
const pictureTargetOf = ({ kind, target }: CodeSnapshot): FileTarget | undefined =>
  kind === 'page' && 'picture' in target && target.picture
    ? { fileId: target.picture.fileId, disposition: 'inline', landing: false }
    : undefined;

/** What is served below the path of a code, by its last segment. */
export const CONTENTS = { file: fileTargetOf, picture: pictureTargetOf } as const;
export type ContentName = keyof typeof CONTENTS;

/** What whoever is let in to a protected code may fetch. */
export const contentTargetOf = (snapshot: CodeSnapshot): FileTarget | undefined =>
  fileTargetOf(snapshot) ?? pictureTargetOf(snapshot);

const GRANT_COOKIE = 'signet_file';

/** Lets the browser that was let in fetch the content, below the path of this code and for no other. */
export function setGrant(request: SlugRequest, reply: FastifyReply, grant: string): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  const scope = `Path=${pathOf(request)}; Max-Age=${GRANT_SECONDS}`;
  void reply.header('set-cookie', `${GRANT_COOKIE}=${grant}; ${scope}; HttpOnly; SameSite=Lax${secure}`);
}

export function grantOf({ headers }: FastifyRequest): string | undefined {
  const [, grant] = new RegExp(`(?:^|;\\s*)${GRANT_COOKIE}=([^;\\s]{1,100})`).exec(headers.cookie ?? '') ?? [];
  return grant;
}

/** The page that says what the file is, or straight to its content. A program learns both. */
export function sendFile(
  request: SlugRequest,
  reply: FastifyReply,
  {
    file,
    target,
    brand,
    status,
  }: {
    file: StoredFile;
    target: FileTarget;
    brand: PageBrand | undefined;
    status: 302 | 303;
  },
): FastifyReply {
  const { name, contentType, bytes, sha256 } = file;
  const contentUrl = contentPathOf(request);
  if (prefersJson(request.headers.accept))
    return reply.code(200).headers(HEADERS).send({ file: { name, contentType, bytes, sha256 }, contentUrl });
  if (!target.landing) return sendRedirect(reply, status, contentUrl);
  const { disposition } = presentationOf(contentType, target.disposition);
  return sendPage(
    reply,
    200,
    filePage(frameFor(request, brand), { name, contentType, bytes, url: contentUrl, disposition }),
  );
}

export interface SentContent {
  file: StoredFile;
  disposition: FileTarget['disposition'];
  /** Of a protected code: it stays in no cache. */
  isProtected: boolean;
  read: (range?: ByteRange) => Promise<Readable>;
}

/** A content as RFC 9110 has it: whole, a part, or the news that the asker has it already. */
export async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  { file, isProtected, read, ...shown }: SentContent,
): Promise<FastifyReply> {
  const { contentType, disposition, contentSecurityPolicy } = presentationOf(file.contentType, shown.disposition);
  const tag = contentTag(file);
  void reply
    .headers(HEADERS)
    // Asked for again each time, because the code may have been revoked.
    .header('cache-control', isProtected ? 'no-store' : 'private, no-cache')
    .header('etag', tag)
    .header('accept-ranges', 'bytes')
    .header('content-disposition', dispositionOf(file, disposition))
    .header('content-security-policy', contentSecurityPolicy)
    .header('cross-origin-resource-policy', 'same-origin');
  if (isFresh(request.headers['if-none-match'], tag)) return reply.code(304).send();
  void reply.header('content-type', contentType);
  const range = request.method === 'GET' ? wantedRange(request, tag, file.bytes) : undefined;
  if (range === 'unsatisfiable')
    return reply.code(416).removeHeader('content-type').header('content-range', `bytes */${file.bytes}`).send();
  const length = range ? range.last - range.first + 1 : file.bytes;
  if (request.method === 'HEAD') return reply.code(200).header('content-length', length).send();
  const content = await read(range);
  if (range) void reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${file.bytes}`);
  return reply.header('content-length', length).send(content);
}

/** RFC 9110 §13.1.5: a range of what somebody has a part of already is of no use when that has changed. */
function wantedRange({ headers }: FastifyRequest, tag: string, bytes: number): ByteRange | 'unsatisfiable' | undefined {
  const condition = headers['if-range'];
  if (condition !== undefined && String(condition).trim() !== tag) return undefined;
  return rangeOf(headers.range, bytes);
}
