import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { FileSchema, type UploadedFile } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { filesMigrations } from './files.migrations.js';
import { FilesModule } from './files.module.js';
import { LOOSE_MS, LooseObjects } from './loose-objects.js';
import { FileStore } from './store/file-store.js';
import { storeFileUses } from './uses.sql.js';

const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(2000)]);
/** As far as the data: the chunks before it tell a PNG from an APNG, so they are whole. */
const PNG_START = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489000001e049444154';
const PNG = Buffer.concat([Buffer.from(PNG_START, 'hex'), randomBytes(500)]);
const MAX_BYTES = 1_000_000;
const QUOTA = 3_000_000;

interface Sent {
  key?: string;
  headers?: Record<string, string>;
  payload?: Buffer | string | Readable | undefined;
}

/** A form as browsers send it. */
function formOf(...files: { name: string; type: string; content: Buffer }[]): Sent & { payload: Buffer } {
  const boundary = `----signet${newId()}`;
  const parts = files.flatMap(({ name, type, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  return {
    payload: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  };
}

describe('/v1/files', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...filesMigrations], {
      SIGNET_FILE_MAX_BYTES: String(MAX_BYTES),
    });
    app = await createTestApp(platform, [AuditModule, AccessModule, FilesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, { key, headers, payload }: Sent = {}) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key ?? admin}`, ...headers } });
  const put = (url: string, content: Buffer, type = 'application/octet-stream') =>
    call(url.endsWith('/content') ? 'PUT' : 'POST', url, { payload: content, headers: { 'content-type': type } });
  const upload = async (content: Buffer = PDF, type?: string, name = 'a.pdf'): Promise<UploadedFile> => {
    const answer = await put(`/v1/files?name=${encodeURIComponent(name)}`, content, type);
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return FileSchema.parse(answer.json());
  };
  const otherWorkspace = async (fileBytes = 0): Promise<string> => {
    const json = { 'content-type': 'application/json' };
    const { id, key } = (
      await call('POST', '/v1/workspaces', { payload: JSON.stringify({ name: 'other' }), headers: json })
    ).json();
    await call('PUT', `/v1/workspaces/${id}/quotas`, { payload: JSON.stringify({ fileBytes }), headers: json });
    return key;
  };
  const usedBytes = async (key?: string): Promise<number> =>
    (await call('GET', '/v1/usage', { key })).json().fileBytes.used;
  const objects = (): string[] =>
    readdirSync(join(platform.directory, 'files'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      statSync(join(platform.directory, 'files', path)).isFile(),
    );
  const problemOf = ({ statusCode, json }: { statusCode: number; json: () => { type?: string } }) => [
    statusCode,
    json().type?.split(':').at(-1),
  ];
  const auditActions = async (): Promise<string[]> => {
    const rows: { record: { action: string } }[] = await platform.dataSource.query('SELECT record FROM audit.entries');
    return rows.map(({ record }) => record.action);
  };

  it('takes a file as the body, and tells what it is', async () => {
    const answer = await put('/v1/files?name=Menu.pdf', PDF, 'application/octet-stream');
    const file = FileSchema.parse(answer.json());
    expect(file).toMatchObject({
      name: 'Menu.pdf',
      contentType: 'application/pdf',
      bytes: PDF.length,
      sha256: createHash('sha256').update(PDF).digest('hex'),
      revision: 1,
    });
    expect(answer.headers).toMatchObject({ location: `/v1/files/${file.id}`, etag: '"1"' });
    expect((await call('GET', `/v1/files/${file.id}`)).json()).toEqual(file);
    expect(await auditActions()).toContain('file.upload');
  });

  it('takes a file in a form, as curl and browsers send it', async () => {
    const sent = formOf({ name: 'Grüße.png', type: 'image/png', content: PNG });
    const answer = await call('POST', '/v1/files', sent);
    expect(answer.json()).toMatchObject({ name: 'Grüße.png', contentType: 'image/png', bytes: PNG.length });
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\a.exe', 'a.exe'],
    ['photo\u202Egpj.exe', 'photogpj.exe'],
    ['"quoted".pdf', '_quoted_.pdf'],
    ['...', 'file'],
  ])('cleans the name %j to %j', async (given, name) => {
    expect(await upload(PDF, undefined, given)).toMatchObject({ name });
  });

  it('takes the name from Content-Disposition when no other is given', async () => {
    const headers = {
      'content-type': 'application/pdf',
      'content-disposition': "attachment; filename*=UTF-8''caf%C3%A9.pdf",
    };
    expect((await call('POST', '/v1/files', { payload: PDF, headers })).json()).toMatchObject({ name: 'café.pdf' });
  });

  it('believes the first bytes of a content more than what is said of it', async () => {
    const html = Buffer.from('<!doctype html><script>alert(1)</script>');
    expect(await upload(PNG, 'text/html')).toMatchObject({ contentType: 'image/png' });
    expect(await upload(html, 'image/png')).toMatchObject({ contentType: 'application/octet-stream' });
    expect(await upload(html, 'text/html')).toMatchObject({ contentType: 'text/html' });
    expect(await upload(Buffer.from('Grüße'), 'text/plain; charset=utf-8')).toMatchObject({
      contentType: 'text/plain',
    });
    expect(await upload(Buffer.from([0, 1, 2, 255]), 'text/plain')).toMatchObject({
      contentType: 'application/octet-stream',
    });
  });

  it('takes an empty file, and refuses what is no file', async () => {
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await call('POST', '/v1/files', { payload: Readable.from([]), headers })).json()).toMatchObject({
      bytes: 0,
    });
    const json = { payload: '{}', headers: { 'content-type': 'application/json' } };
    expect(problemOf(await call('POST', '/v1/files', json))).toEqual([415, 'unsupported-media-type']);
    expect(problemOf(await call('POST', '/v1/files'))).toEqual([415, 'unsupported-media-type']);
    expect(problemOf(await call('POST', '/v1/files', formOf()))).toEqual([422, 'invalid-request']);
    const part = { name: 'a', type: 'text/plain', content: PDF };
    expect(problemOf(await call('POST', '/v1/files', formOf(part, part)))).toEqual([422, 'invalid-request']);
    const noBoundary = { payload: 'x', headers: { 'content-type': 'multipart/form-data' } };
    expect(problemOf(await call('POST', '/v1/files', noBoundary))).toEqual([400, 'unreadable-request']);
    const cut = formOf(part);
    const cutOff = { ...cut, payload: cut.payload.subarray(0, 100) };
    expect(problemOf(await call('POST', '/v1/files', cutOff))).toEqual([400, 'unreadable-request']);
    expect(problemOf(await call('POST', '/v1/files?name=a%00b', { payload: PDF, headers }))[0]).toBe(422);
  });

  it('leaves other calls to their own bodies', async () => {
    const text = { payload: 'x', headers: { 'content-type': 'application/pdf' } };
    expect(problemOf(await call('POST', '/v1/api-keys', text))).toEqual([415, 'unsupported-media-type']);
  });

  it('refuses what is too large, said or not, and keeps nothing of it', async () => {
    const before = objects().length;
    const large = Buffer.alloc(MAX_BYTES + 1, 1);
    expect(problemOf(await put('/v1/files', large))).toEqual([413, 'body-too-large']);
    const headers = { 'content-type': 'application/octet-stream' };
    const unsaid = await call('POST', '/v1/files', { payload: Readable.from([large]), headers });
    expect(problemOf(unsaid)).toEqual([413, 'body-too-large']);
    const form = formOf({ name: 'a', type: 'text/plain', content: large });
    expect(problemOf(await call('POST', '/v1/files', form))).toEqual([413, 'body-too-large']);
    expect(objects()).toHaveLength(before);
    expect((await put('/v1/files', large.subarray(1))).statusCode).toBe(201);
  });

  it('keeps nothing of an upload whose client breaks off', async () => {
    const before = objects().length;
    const { port } = new URL(await app.getUrl());
    await new Promise<void>((resolve) => {
      const sending = httpRequest({
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/v1/files',
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/pdf', 'content-length': 500_000 },
      });
      sending.on('error', () => resolve());
      sending.write(randomBytes(200_000), () => sending.destroy(new Error('gone')));
    });
    const isSettled = async (): Promise<boolean> => {
      const loose: unknown[] = await platform.dataSource.query('SELECT id FROM files.loose_objects');
      return loose.length === 0 && objects().length === before;
    };
    while (!(await isSettled())) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(objects()).toHaveLength(before);
  });

  it('holds a workspace to its quota, also with many uploads at once', async () => {
    const key = await otherWorkspace(QUOTA);
    const headers = { 'content-type': 'application/octet-stream' };
    const sent = { key, headers, payload: Buffer.alloc(700_000, 1) };
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', '/v1/files', sent)));
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(4);
    expect(answers.filter(({ statusCode }) => statusCode === 403)).toHaveLength(4);
    expect(await usedBytes(key)).toBe(2_800_000);
    const [file] = (await call('GET', '/v1/files', { key })).json().items;
    const fits = await call('PUT', `/v1/files/${file.id}/content`, { ...sent, payload: Buffer.alloc(900_000, 2) });
    expect(fits.statusCode).toBe(200);
    expect(await usedBytes(key)).toBe(QUOTA);
    const more = await call('PUT', `/v1/files/${file.id}/content`, { ...sent, payload: Buffer.alloc(900_001, 2) });
    expect(problemOf(more)).toEqual([403, 'quota-exceeded']);
    await call('DELETE', `/v1/files/${file.id}`, { key });
    expect(await usedBytes(key)).toBe(2_100_000);
  });

  it('does the work of an Idempotency-Key once, and refuses it for another content', async () => {
    const headers = { 'content-type': 'application/pdf', 'idempotency-key': newId() };
    const before = objects().length;
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => call('POST', '/v1/files?name=a.pdf', { payload: PDF, headers })),
    );
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(objects()).toHaveLength(before + 1);
    const other = await call('POST', '/v1/files?name=a.pdf', { payload: PNG, headers });
    expect(problemOf(other)).toEqual([409, 'idempotency-conflict']);
    expect(objects()).toHaveLength(before + 1);
  });

  it('lists the newest first, by pages and by a part of the name', async () => {
    const key = await otherWorkspace();
    for (const name of ['one.pdf', 'two%.pdf', 'three.png']) {
      await call('POST', `/v1/files?name=${encodeURIComponent(name)}`, {
        key,
        payload: PDF,
        headers: { 'content-type': 'application/pdf' },
      });
      platform.clock.advance(1000);
    }
    const names = async (query: string): Promise<{ items: string[]; cursor: string | null }> => {
      const { items, nextCursor } = (await call('GET', `/v1/files${query}`, { key })).json();
      return { items: items.map(({ name }: UploadedFile) => name), cursor: nextCursor };
    };
    const first = await names('?limit=2');
    expect(first.items).toEqual(['three.png', 'two%.pdf']);
    expect(await names(`?limit=2&cursor=${first.cursor}`)).toEqual({ items: ['one.pdf'], cursor: null });
    expect((await names('?q=PDF')).items).toEqual(['two%.pdf', 'one.pdf']);
    expect((await names('?q=%25')).items).toEqual(['two%.pdf']);
    expect(problemOf(await call('GET', '/v1/files?cursor=x'))).toEqual([400, 'invalid-cursor']);
  });

  it('shows no workspace the files of another', async () => {
    const { id } = await upload();
    const key = await otherWorkspace();
    const headers = { 'content-type': 'application/pdf' };
    const answers = [
      await call('GET', `/v1/files/${id}`, { key }),
      await call('PUT', `/v1/files/${id}/content`, { key, payload: PDF, headers }),
      await call('DELETE', `/v1/files/${id}`, { key }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
  });

  it('replaces a content under the same id, and leaves what is the same', async () => {
    const { id } = await upload(PDF, undefined, 'menu.pdf');
    const same = await put(`/v1/files/${id}/content`, PDF);
    expect(same.json()).toMatchObject({ revision: 1 });
    const headers = { 'content-type': 'image/png', 'if-match': '"1"' };
    const other = await call('PUT', `/v1/files/${id}/content`, { payload: PNG, headers });
    expect(other.json()).toMatchObject({ id, name: 'menu.pdf', contentType: 'image/png', revision: 2 });
    const stale = await call('PUT', `/v1/files/${id}/content`, { payload: PDF, headers });
    expect(problemOf(stale)).toEqual([412, 'version-mismatch']);
    expect(await auditActions()).toContain('file.replace');
  });

  it('lets one of many replacements of one revision through', async () => {
    const { id } = await upload();
    const headers = { 'content-type': 'application/octet-stream', 'if-match': '"1"' };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => call('PUT', `/v1/files/${id}/content`, { payload: randomBytes(50), headers })),
    );
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412, 412]);
  });

  it('deletes no file that a code gives', async () => {
    const { id } = await upload();
    const codeId = newId();
    await storeFileUses(platform.dataSource.manager, [{ codeId, fileIds: [id] }]);
    const refused = await call('DELETE', `/v1/files/${id}`);
    expect(problemOf(refused)).toEqual([409, 'file-in-use']);
    await storeFileUses(platform.dataSource.manager, [{ codeId, fileIds: [] }]);
    const stale = await call('DELETE', `/v1/files/${id}`, { headers: { 'if-match': '"9"' } });
    expect(problemOf(stale)).toEqual([412, 'version-mismatch']);
    expect((await call('DELETE', `/v1/files/${id}`)).statusCode).toBe(204);
    expect((await call('GET', `/v1/files/${id}`)).statusCode).toBe(404);
    expect(await auditActions()).toContain('file.delete');
  });

  describe('what no file has any more', () => {
    const sweep = async (): Promise<void> => {
      while (await app.get(LooseObjects).sweep());
    };
    const overdue = async (): Promise<void> => {
      platform.clock.advance(LOOSE_MS);
      await sweep();
    };

    it('leaves the store, but not while a download may be about to begin', async () => {
      await overdue();
      const before = objects().length;
      const { id } = await upload();
      await put(`/v1/files/${id}/content`, PNG);
      await sweep();
      expect(objects()).toHaveLength(before + 2);
      await overdue();
      expect(objects()).toHaveLength(before + 1);
      await call('DELETE', `/v1/files/${id}`);
      await overdue();
      expect(objects()).toHaveLength(before);
    });

    it('leaves it also when the process died between store and row', async () => {
      await overdue();
      const before = objects().length;
      // What an upload does until the moment of the crash.
      const id = await app.get(LooseObjects).begin();
      await writeObject(id);
      expect(objects()).toHaveLength(before + 1);
      await sweep();
      expect(objects()).toHaveLength(before + 1);
      await overdue();
      expect(objects()).toHaveLength(before);
    });

    it('can no longer become a file once its removal has begun', async () => {
      const id = await app.get(LooseObjects).begin();
      await platform.dataSource.query('UPDATE files.loose_objects SET doomed = true WHERE id = $1', [id]);
      const adopting = platform.dataSource.transaction((manager) => app.get(LooseObjects).adopt(manager, id));
      await expect(adopting).rejects.toMatchObject({ kind: 'unavailable' });
    });

    it('is kept when a commit that was not heard of has happened', async () => {
      const { id } = await upload();
      const [row]: { object_id: string }[] = await platform.dataSource.query(
        'SELECT object_id FROM files.files WHERE id = $1',
        [id],
      );
      const before = objects().length;
      await app.get(LooseObjects).discard(row?.object_id ?? '');
      expect(objects()).toHaveLength(before);
    });

    const writeObject = (id: string): Promise<void> =>
      app.get(FileStore, { strict: false }).write(id, Readable.from([PDF]));
  });
});
