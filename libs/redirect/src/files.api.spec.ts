import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, FileSchema, ScanEventSchema, topics, type Code, type UploadedFile } from '@signet/contracts';
import { FilesModule } from '@signet/files';
import type { RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, liveBytes, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const PDF = Buffer.from(`%PDF-1.7\n${'0123456789'.repeat(100)}`);
const OTHER = Buffer.from('%PDF-1.7\nthe new menu');
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(100)]);
const MINUTE = 60_000;

type Answer = Awaited<ReturnType<NestFastifyApplication['inject']>>;

const answerTo = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));

describe('codes that give a file', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  const outcomes: string[] = [];

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      { SIGNET_PUBLIC_URL: 'https://sgn.example', SIGNET_CLAIMS_PER_MINUTE: '0' },
    );
    const onBatch = ({ records }: RecordBatch): void => {
      for (const { value } of records) {
        const event = ScanEventSchema.parse(JSON.parse(value.toString()));
        if (event.type === 'scan.recorded') outcomes.push(event.data.outcome);
      }
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, FilesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload: object | Buffer, headers = {}) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}`, ...headers } });
  const octets = { 'content-type': 'application/octet-stream' };
  const upload = async (content: Buffer = PDF, name = 'Menü.pdf', headers: object = octets): Promise<UploadedFile> => {
    const answer = await call('POST', `/v1/files?name=${encodeURIComponent(name)}`, content, headers);
    return FileSchema.parse(answer.json());
  };
  const create = async (body: object): Promise<Code & { url: string }> => {
    const answer = await call('POST', '/v1/codes', { kind: 'file', ...body });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    const code = CodeSchema.parse(answer.json());
    return { ...code, url: `/${code.slug}` };
  };
  const give = async (target: object = {}, more: object = {}, file?: UploadedFile) =>
    create({ target: { fileId: (file ?? (await upload())).id, ...target }, ...more });
  const get = (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET'): Promise<Answer> =>
    app.inject({ method, url, headers });
  const claim = (url: string, form = ''): Promise<Answer> =>
    app.inject({
      method: 'POST',
      url: `${url}/claim`,
      payload: form,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? '';
  const problemOf = (answer: Answer): unknown[] => [answer.statusCode, answer.json().type?.split(':').at(-1)];

  it('show what it is, and then give it, and count that once', async () => {
    const { url } = await give();
    const page = await get(url);
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toContain('Menü.pdf');
    expect(page.body).toContain(`href="${url}/file"`);
    expect(page.headers['set-cookie']).toBeUndefined();
    const content = await get(`${url}/file`);
    expect(content.statusCode).toBe(200);
    expect(content.rawPayload.equals(PDF)).toBe(true);
    expect(content.headers).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': String(PDF.length),
      'content-disposition': `inline; filename="Men?.pdf"; filename*=UTF-8''Men%C3%BC.pdf`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    });
    while (!outcomes.includes('file')) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(outcomes.filter((outcome) => outcome === 'file')).toHaveLength(1);
  });

  it('lead straight to it without a page, if they should', async () => {
    const { url } = await give({ landing: false, disposition: 'attachment' });
    const answer = await get(url);
    expect([answer.statusCode, answer.headers.location]).toEqual([302, `${url}/file`]);
    expect((await get(`${url}/file`)).headers['content-disposition']).toMatch(/^attachment;/);
  });

  it('tell programs what it is and where', async () => {
    const file = await upload();
    const { url } = await give({}, {}, file);
    const answer = await get(url, { accept: 'application/json' });
    const { name, contentType, bytes, sha256 } = file;
    expect(answer.json()).toEqual({ file: { name, contentType, bytes, sha256 }, contentUrl: `${url}/file` });
  });

  it.each([
    ['bytes=0-8', 206, `bytes 0-8/${PDF.length}`, PDF.subarray(0, 9)],
    ['bytes=9-', 206, `bytes 9-${PDF.length - 1}/${PDF.length}`, PDF.subarray(9)],
    ['bytes=-5', 206, `bytes ${PDF.length - 5}-${PDF.length - 1}/${PDF.length}`, PDF.subarray(-5)],
    ['bytes=5-999999', 206, `bytes 5-${PDF.length - 1}/${PDF.length}`, PDF.subarray(5)],
    ['bytes=999999-', 416, `bytes */${PDF.length}`, Buffer.alloc(0)],
    ['bytes=-0', 416, `bytes */${PDF.length}`, Buffer.alloc(0)],
    ['bytes=0-1,4-5', 200, undefined, PDF],
    ['bytes=8-2', 200, undefined, PDF],
    ['lines=1-2', 200, undefined, PDF],
  ])('give the range %s as RFC 9110 has it', async (range, status, contentRange, content) => {
    const { url } = await give();
    const answer = await get(`${url}/file`, { range });
    expect([answer.statusCode, answer.headers['content-range']]).toEqual([status, contentRange]);
    expect(answer.rawPayload.equals(content)).toBe(true);
    expect(answer.headers['content-length']).toBe(String(content.length));
  });

  it('answer what a client has already, and HEAD, without the content', async () => {
    const { url } = await give();
    const tag = String((await get(`${url}/file`)).headers.etag);
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const answer = await get(`${url}/file`, { 'if-none-match': known });
      expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, '', tag]);
    }
    const head = await get(`${url}/file`, { range: 'bytes=0-1' }, 'HEAD');
    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect(head.headers).toMatchObject({ 'content-length': String(PDF.length), etag: tag });
    const part = await get(`${url}/file`, { range: 'bytes=0-1', 'if-range': tag });
    expect(part.statusCode).toBe(206);
    for (const other of ['"x"', `W/${tag}`, 'Wed, 21 Oct 2026 07:28:00 GMT'])
      expect((await get(`${url}/file`, { range: 'bytes=0-1', 'if-range': other })).statusCode).toBe(200);
  });

  it('give the new content when the file is replaced, under the same code', async () => {
    const file = await upload();
    const { url } = await give({}, {}, file);
    const tag = String((await get(`${url}/file`)).headers.etag);
    await call('PUT', `/v1/files/${file.id}/content`, OTHER, octets);
    const answer = await get(`${url}/file`, { 'if-none-match': tag, range: 'bytes=0-3', 'if-range': tag });
    expect([answer.statusCode, answer.rawPayload.equals(OTHER)]).toEqual([200, true]);
    expect(answer.headers.etag).not.toBe(tag);
  });

  it.each([
    ['page.html', '<!doctype html><script>alert(1)</script>', 'text/html'],
    ['picture.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'image/svg+xml'],
    ['feed.xml', '<?xml version="1.0"?><a/>', 'application/xml'],
    ['code.js', 'alert(1)', 'text/javascript'],
    ['page.xhtml', '<html xmlns="http://www.w3.org/1999/xhtml"/>', 'application/xhtml+xml'],
    ['polyglot.gif', '<script>alert(1)</script>', 'image/gif'],
  ])('never let a browser run %s', async (name, content, type) => {
    const file = await upload(Buffer.from(content), name, { 'content-type': type });
    const { url } = await give({ disposition: 'inline' }, {}, file);
    const { headers } = await get(`${url}/file`);
    expect(headers['content-disposition']).toMatch(/^attachment;/);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain('sandbox');
  });

  it('give nothing any more from the moment they are revoked, paused or expired', async () => {
    const at = platform.clock.now().getTime();
    const codes = {
      revoked: await give(),
      paused: await give(),
      expired: await give({}, { expiresAt: new Date(at + MINUTE).toISOString() }),
    };
    for (const { url } of Object.values(codes)) expect((await get(`${url}/file`)).statusCode).toBe(200);
    await call('POST', `/v1/codes/${codes.revoked.id}/revoke`, { reason: 'test' });
    await call('POST', `/v1/codes/${codes.paused.id}/pause`, {});
    platform.clock.advance(MINUTE);
    for (const [name, { url }] of Object.entries(codes)) {
      for (const path of [url, `${url}/file`])
        expect(problemOf(await get(path, { accept: 'application/json' }))).toEqual([410, `code-${name}`]);
    }
  });

  it('have no content when they are of another kind, or nobody’s', async () => {
    const { url } = await create({ kind: 'link', target: { url: 'https://example.org/' } });
    for (const path of [`${url}/file`, `${url}/picture`, '/nobody-has-this/file'])
      expect((await get(path)).statusCode).toBe(404);
  });

  describe('with a single use', () => {
    it('give it to whoever used it, for a while, and to nobody else', async () => {
      const { url } = await give({}, { maxScans: 1 });
      const before = await get(`${url}/file`);
      expect([before.statusCode, before.headers.location]).toEqual([302, url]);
      const page = await claim(url);
      expect(page.body).toContain(`href="${url}/file"`);
      expect(String(page.headers['set-cookie'])).toBe(
        `${cookieOf(page)}; Path=${url}; Max-Age=900; HttpOnly; SameSite=Lax`,
      );
      const cookie = cookieOf(page);
      const content = await get(`${url}/file`, { cookie: `a=b; ${cookie}`, range: 'bytes=0-3' });
      expect([content.statusCode, content.body, content.headers['cache-control']]).toEqual([206, '%PDF', 'no-store']);
      for (const other of ['', 'signet_file=1.x', `${cookie.slice(0, -3)}AAA`])
        expect((await get(`${url}/file`, { cookie: other })).statusCode).toBe(410);
      platform.clock.advance(15 * MINUTE);
      expect((await get(`${url}/file`, { cookie })).statusCode).toBe(410);
    });

    it('give it with a code’s own grant only', async () => {
      const file = await upload();
      const [one, two] = [await give({}, { maxScans: 1 }, file), await give({}, { maxScans: 1 }, file)];
      const cookie = cookieOf(await claim(one.url));
      expect((await get(`${two.url}/file`, { cookie })).statusCode).toBe(302);
    });

    it('give nothing when they were revoked meanwhile, grant or not', async () => {
      const { id, url } = await give({}, { maxScans: 1 });
      const cookie = cookieOf(await claim(url));
      await call('POST', `/v1/codes/${id}/revoke`, { reason: 'test' });
      expect(problemOf(await get(`${url}/file`, { cookie, accept: 'application/json' }))).toEqual([
        410,
        'code-revoked',
      ]);
    });

    it('lead on after the claim without a page, if they should', async () => {
      const { url } = await give({ landing: false }, { maxScans: 1 });
      const answer = await claim(url);
      expect([answer.statusCode, answer.headers.location]).toEqual([303, `${url}/file`]);
      expect((await get(`${url}/file`, { cookie: cookieOf(answer) })).statusCode).toBe(200);
    });

    it('are not used up while it cannot be said what they give', async () => {
      const file = await upload();
      const { id, url } = await give({}, { maxScans: 1 }, file);
      await platform.dataSource.query('ALTER TABLE files.files RENAME TO away');
      expect((await claim(url)).statusCode).toBe(503);
      await platform.dataSource.query('ALTER TABLE files.away RENAME TO files');
      expect(await platform.dataSource.query('SELECT use_no FROM codes.uses WHERE code_id = $1', [id])).toEqual([]);
      expect((await claim(url)).statusCode).toBe(200);
    });
  });

  describe('with a password', () => {
    it('give it to whoever knows it, until it is changed', async () => {
      const { id, url } = await give({}, { password: 'two-croissants' });
      expect((await get(`${url}/file`)).headers.location).toBe(url);
      expect(cookieOf(await claim(url, 'password=wrong'))).toBe('');
      const cookie = cookieOf(await claim(url, 'password=two-croissants'));
      expect((await get(`${url}/file`, { cookie })).statusCode).toBe(200);
      await call('PATCH', `/v1/codes/${id}`, { password: 'three-croissants' });
      expect((await get(`${url}/file`, { cookie })).statusCode).toBe(302);
    });
  });

  describe('of their workspace', () => {
    const refusal = async (answer: Promise<Answer>): Promise<unknown> => (await answer).json().errors;

    it('name a file that exists, and a picture that is one', async () => {
      const nowhere = '0192f0c1-7a00-7000-8000-000000000001';
      const message = 'must be a file of this workspace';
      const asked = call('POST', '/v1/codes', { kind: 'file', target: { fileId: nowhere } });
      expect(await refusal(asked)).toEqual([{ path: 'target.fileId', message }]);
      const { id } = await upload();
      const page = { type: 'links', title: 'A', links: [{ label: 'b', url: 'https://example.org/' }] };
      const pictured = call('POST', '/v1/codes', { kind: 'page', target: { ...page, picture: { fileId: id } } });
      expect(await refusal(pictured)).toEqual([
        { path: 'target.picture.fileId', message: 'must be a picture, and is application/pdf' },
      ]);
    });

    it('keep their file from being deleted as long as they may give it', async () => {
      const file = await upload();
      const { id } = await give({}, {}, file);
      const remove = () => call('DELETE', `/v1/files/${file.id}`, {});
      expect(problemOf(await remove())).toEqual([409, 'file-in-use']);
      const other = await upload(OTHER);
      await call('PATCH', `/v1/codes/${id}`, { target: { fileId: other.id } });
      expect((await remove()).statusCode).toBe(204);
      const restored = await call('POST', `/v1/codes/${id}/restore`, { version: 1 });
      expect(restored.json().errors).toEqual([{ path: 'target.fileId', message: 'must be a file of this workspace' }]);
      expect(problemOf(await call('DELETE', `/v1/files/${other.id}`, {}))).toEqual([409, 'file-in-use']);
      await call('POST', `/v1/codes/${id}/revoke`, { reason: 'test' });
      expect((await call('DELETE', `/v1/files/${other.id}`, {})).statusCode).toBe(204);
    });

    it('never give a file that is being deleted at the same moment', async () => {
      for (let round = 0; round < 5; round += 1) {
        const file = await upload();
        const [created, deleted] = await Promise.all([
          call('POST', '/v1/codes', { kind: 'file', target: { fileId: file.id } }),
          call('DELETE', `/v1/files/${file.id}`, {}),
        ]);
        expect([
          [201, 409],
          [422, 204],
        ]).toContainEqual([created.statusCode, deleted.statusCode]);
      }
    });
  });

  it('pass on the largest file without holding more than a few pieces of it', async () => {
    const piece = Buffer.alloc(1024 * 1024, 7);
    const bytes = 100 * piece.length;
    const held = liveBytes();
    const before = held();
    let peak = 0;
    async function* large(): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < 100; sent += 1) {
        yield piece;
        if (sent % 10 === 9) peak = Math.max(peak, held() - before);
      }
    }
    await app.listen(0, '127.0.0.1');
    const { port } = new URL(await app.getUrl());
    const server = { host: '127.0.0.1', port };
    const headers = { authorization: `Bearer ${admin}`, ...octets };
    const uploading = httpRequest({ ...server, method: 'POST', path: '/v1/files', headers });
    const uploaded = answerTo(uploading);
    await pipeline(Readable.from(large(), { objectMode: false }), uploading);
    const file = FileSchema.parse(await json(await uploaded));
    expect(file.bytes).toBe(bytes);
    expect(peak).toBeLessThan(20 * piece.length);
    const { url } = await give({}, {}, file);
    const downloading = httpRequest({ ...server, path: `${url}/file` });
    const downloaded = answerTo(downloading);
    downloading.end();
    let read = 0;
    let measuredAt = 0;
    for await (const chunk of await downloaded) {
      read += chunk.length;
      if (read - measuredAt < 10 * piece.length) continue;
      measuredAt = read;
      peak = Math.max(peak, held() - before);
    }
    expect(read).toBe(bytes);
    // Of both ends, which are one process here, with what waits in between.
    expect(peak).toBeLessThan(50 * piece.length);
  });

  it('show the picture of a page, of a protected one to whoever was let in', async () => {
    const picture = { fileId: (await upload(PNG, 'a.png')).id, alt: 'Ada' };
    const target = { type: 'links', title: 'A', picture, links: [{ label: 'b', url: 'https://example.org/' }] };
    const open = await create({ kind: 'page', target });
    expect((await get(open.url)).body).toContain(`<img class="picture" src="${open.url}/picture" alt="Ada">`);
    const shown = await get(`${open.url}/picture`);
    expect([shown.statusCode, shown.headers['content-type']]).toEqual([200, 'image/png']);
    const locked = await create({ kind: 'page', target, password: 'two-croissants' });
    expect((await get(`${locked.url}/picture`)).statusCode).toBe(302);
    const cookie = cookieOf(await claim(locked.url, 'password=two-croissants'));
    expect((await get(`${locked.url}/picture`, { cookie })).statusCode).toBe(200);
  });
});
