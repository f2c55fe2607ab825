import { AccessModule, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodeEventDataSchema, type Code, type UpdateCode } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import * as fc from 'fast-check';
import type { CodeStoredState } from './code.js';
import { CodesOf } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';
import { CODE_ACTIONS, LIFECYCLE, type CodeAction } from './lifecycle.js';
import { codeKey } from './slug.js';

let platform: TestPlatform;
let app: NestFastifyApplication;
let codes: CodesOf;
beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
});
beforeEach(() => {
  codes = new CodesOf(app);
});
afterAll(async () => {
  await app.close();
  await platform.close();
});

const notEditable = { kind: 'code-not-editable' };
const stateOf = async ({ slug }: Code) => (await platform.codeState.read(codeKey(slug ?? '')))?.snapshot.state;
const eventsOf = async (id: string): Promise<[string, ReturnType<typeof CodeEventDataSchema.parse>][]> => {
  const rows: { type: string; payload: unknown }[] = await platform.dataSource.query(
    'SELECT type, payload FROM outbox.events WHERE aggregateid = $1 ORDER BY tx, position',
    [id],
  );
  return rows.map(({ type, payload }) => [type, CodeEventDataSchema.parse(payload)]);
};
const auditOf = async (id: string): Promise<(string | undefined)[][]> => {
  const rows: { record: { action: string; reason?: string } }[] = await platform.dataSource.query(
    `SELECT record FROM audit.entries WHERE record->>'codeId' = $1 ORDER BY tx, position`,
    [id],
  );
  return rows.map(({ record: { action, reason } }) => (reason === undefined ? [action] : [action, reason]));
};

describe('a code', () => {
  it('is paused and resumed, in CodeState before the call returns, and told of each time', async () => {
    const code = await codes.create();
    expect(await codes.pause(code.id)).toMatchObject({ status: 'paused', version: 2, propagation: 'effective' });
    expect(await stateOf(code)).toBe('paused');
    expect(await codes.resume(code.id)).toMatchObject({ status: 'active', version: 3, propagation: 'effective' });
    expect(await stateOf(code)).toBe('active');
    expect((await eventsOf(code.id)).map(([type, { status }]) => [type, status])).toEqual([
      ['code.created', 'active'],
      ['code.paused', 'paused'],
      ['code.resumed', 'active'],
    ]);
    expect(await auditOf(code.id)).toEqual([['code.create'], ['code.pause'], ['code.resume']]);
    expect(await codes.history(code.id)).toMatchObject([
      { version: 3, action: 'resumed', changes: [{ field: 'status', from: 'paused', to: 'active' }] },
      { version: 2, action: 'paused', changes: [{ field: 'status', from: 'active', to: 'paused' }] },
      { version: 1, action: 'created' },
    ]);
  });

  it('is resumed to what its times say by then', async () => {
    const expiresAt = new Date(platform.clock.now().getTime() + 1000).toISOString();
    const { id } = await codes.create({ expiresAt });
    await codes.pause(id);
    platform.clock.advance(1000);
    expect(await codes.get(id)).toMatchObject({ status: 'paused' });
    expect(await codes.resume(id)).toMatchObject({ status: 'expired' });
  });

  it('that is archived is off, out of the list unless asked for, and keeps its slug for ever', async () => {
    const slug = `menu-${newId()}`;
    const code = await codes.create({ slug });
    const other = await codes.create();
    expect(await codes.archive(code.id)).toMatchObject({ status: 'archived', version: 2, propagation: 'effective' });
    expect(await stateOf(code)).toBe('archived');
    expect((await eventsOf(code.id)).map(([type, { status }]) => [type, status])).toEqual([
      ['code.created', 'active'],
      ['code.archived', 'archived'],
    ]);
    expect(await auditOf(code.id)).toEqual([['code.create'], ['code.archive']]);
    expect((await codes.list()).map(({ id }) => id)).toEqual([other.id]);
    expect((await codes.list({ q: slug })).map(({ id }) => id)).toEqual([]);
    expect((await codes.list({ status: 'archived' })).map(({ id }) => id)).toEqual([code.id]);
    expect(await codes.get(code.id)).toMatchObject({ status: 'archived', slug });
    await expect(new CodesOf(app).create({ slug })).rejects.toMatchObject({ kind: 'slug-taken' });
  });

  it('that was revoked can be put away, and stays revoked in its history', async () => {
    const { id } = await codes.create();
    await codes.revoke(id, 'leaked');
    expect(await codes.archive(id)).toMatchObject({ status: 'archived', revokedReason: 'leaked', version: 3 });
    await expect(codes.revoke(id)).rejects.toMatchObject(notEditable);
  });

  it.each<[CodeAction, (id: string, ifMatch: string) => Promise<Code>]>([
    ['pause', (id, ifMatch) => codes.pause(id, ifMatch)],
    ['resume', (id, ifMatch) => codes.resume(id, ifMatch)],
    ['revoke', (id, ifMatch) => codes.revoke(id, 'lost', ifMatch)],
    ['archive', (id, ifMatch) => codes.archive(id, ifMatch)],
    ['reissue', (id, ifMatch) => codes.reissue(id, { ifMatch })],
    ['restore', (id, ifMatch) => codes.restore(id, 1, ifMatch)],
    ['update', (id, ifMatch) => codes.update(id, { title: 'b' }, ifMatch)],
  ])('takes %s under the version that is there, under no other, and in its own workspace only', async (_name, act) => {
    const { id } = await codes.create({ title: 'a' });
    await codes.update(id, { title: 'c' });
    await expect(act(id, '"1"')).rejects.toMatchObject({ kind: 'version-mismatch' });
    const owner = codes;
    codes = new CodesOf(app);
    await expect(act(id, '*')).rejects.toMatchObject({ kind: 'not-found' });
    codes = owner;
    expect(await codes.get(id)).toMatchObject({ version: 2, status: 'active', reissuedAs: null });
    expect(await act(id, '"2"')).toMatchObject({ propagation: 'effective' });
  });

  it('follows the table on every path', async () => {
    const act: Record<CodeAction, (id: string, step: number) => Promise<unknown>> = {
      update: (id, step) => codes.update(id, { title: `t${step}` }),
      restore: (id) => codes.restore(id, 1),
      pause: (id) => codes.pause(id),
      resume: (id) => codes.resume(id),
      revoke: (id) => codes.revoke(id),
      reissue: (id) => codes.reissue(id),
      archive: (id) => codes.archive(id),
    };
    const outcomeOf = (attempt: Promise<unknown>): Promise<string> =>
      attempt.then(
        () => 'done',
        (error: { kind: string }) => error.kind,
      );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...CODE_ACTIONS), { minLength: 1, maxLength: 10 }), async (path) => {
        const { id, slug } = await codes.create();
        let model: { state: CodeStoredState; reissued: boolean } = { state: 'active', reissued: false };
        for (const [step, action] of path.entries()) {
          const next = LIFECYCLE[model.state][action];
          const isRefused = next === 'refused' || (action === 'reissue' && model.reissued);
          expect(await outcomeOf(act[action](id, step))).toBe(isRefused ? 'code-not-editable' : 'done');
          if (next !== 'refused' && !isRefused)
            model = { state: next, reissued: model.reissued || action === 'reissue' };
          const code = await codes.get(id);
          expect([code.status, code.reissuedAs !== null, code.slug]).toEqual([model.state, model.reissued, slug]);
          expect(await stateOf(code)).toBe(model.state);
        }
        const versions = (await codes.history(id)).map(({ version }) => version);
        expect(versions).toEqual(versions.map((_version, index) => versions.length - index));
        expect((await eventsOf(id)).map(([, { version }]) => version)).toEqual(versions.toReversed());
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string, string, (id: string) => Promise<Code>]>([
    ['revoked', 'code.revoked', (id) => codes.revoke(id)],
    ['reissued', 'code.reissued', (id) => codes.reissue(id, { key: newId() })],
  ])('stays %s when it is edited at the same moment, also to who reads the events', async (_how, last, end) => {
    for (let round = 0; round < 20; round += 1) {
      const code = await codes.create({ title: 'a' });
      const { id } = code;
      const acts = [
        () => codes.update(id, { target: { url: 'https://example.org/late' } }),
        () => codes.pause(id),
        () => end(id),
        () => codes.update(id, { title: 'b' }),
        () => codes.resume(id),
        () => codes.restore(id, 1),
      ];
      const order = fc.sample(fc.shuffledSubarray(acts, { minLength: acts.length }), 1)[0] ?? [];
      const results = await Promise.allSettled(order.map((act) => act()));
      const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refusals).toEqual(refusals.map(() => expect.objectContaining(notEditable)));
      expect([(await codes.get(id)).status, await stateOf(code)]).toEqual(['revoked', 'revoked']);
      const events = await eventsOf(id);
      expect(events.map(([, { version }]) => version)).toEqual(events.map((_event, index) => index + 1));
      expect(events.at(-1)).toMatchObject([last, { status: 'revoked' }]);
    }
  });
});

describe('reissuing', () => {
  const body = {
    target: { url: 'https://example.org/menu' },
    title: 'Menu',
    tags: ['food'],
    folder: 'Berlin',
    activeFrom: '2026-01-01T00:00:00.000Z',
    expiresAt: '2099-01-01T00:00:00.000Z',
    maxScans: 5,
    claimMode: 'interstitial' as const,
  };

  it('revokes the code and issues one like it under a new slug, each naming the other', async () => {
    const old = await codes.create({ ...body, slug: `menu-${newId()}` });
    await platform.dataSource.query('UPDATE codes.codes SET scans_used = 2 WHERE id = $1', [old.id]);
    const fresh = await codes.reissue(old.id, { reason: 'copied' });
    expect(fresh).toMatchObject({
      ...body,
      status: 'active',
      version: 1,
      scansUsed: 0,
      reissuedFrom: old.id,
      reissuedAs: null,
      propagation: 'effective',
    });
    expect(fresh.slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{22}$/);
    expect(await codes.get(old.id)).toMatchObject({
      status: 'revoked',
      version: 2,
      scansUsed: 2,
      revokedReason: 'copied',
      reissuedFrom: null,
      reissuedAs: fresh.id,
    });
    expect([await stateOf(old), await stateOf(fresh)]).toEqual(['revoked', 'active']);
    expect(await eventsOf(fresh.id)).toMatchObject([
      ['code.created', { status: 'active', slug: null, reissuedFrom: old.id }],
    ]);
    expect((await eventsOf(old.id)).slice(1)).toMatchObject([
      ['code.reissued', { status: 'revoked', target: body.target, reissuedAs: fresh.id, reason: 'copied' }],
    ]);
    expect(await auditOf(old.id)).toEqual([['code.create'], ['code.reissue', 'copied']]);
    expect(await auditOf(fresh.id)).toEqual([['code.create']]);
    expect((await codes.history(old.id))[0]).toMatchObject({
      action: 'reissued',
      changes: [
        { field: 'status', from: 'active', to: 'revoked' },
        { field: 'revokedReason', from: null, to: 'copied' },
        { field: 'reissuedAs', from: null, to: fresh.id },
      ],
    });
    expect((await codes.history(fresh.id))[0]?.changes.at(-1)).toEqual({
      field: 'reissuedFrom',
      from: null,
      to: old.id,
    });
  });

  it('is possible once, also after the revocation, whose reason stays', async () => {
    const { id } = await codes.create();
    await codes.revoke(id, 'leaked');
    const fresh = await codes.reissue(id, { reason: 'reprinted' });
    expect(await codes.get(id)).toMatchObject({ revokedReason: 'leaked', reissuedAs: fresh.id });
    await expect(codes.reissue(id)).rejects.toMatchObject({
      ...notEditable,
      details: { detail: expect.stringContaining(fresh.id) },
    });
    const next = await codes.reissue(fresh.id);
    expect(next).toMatchObject({ reissuedFrom: fresh.id });
    await codes.archive(next.id);
    await expect(codes.reissue(next.id)).rejects.toMatchObject(notEditable);
  });

  it('by 20 at once issues one code', async () => {
    const { id } = await codes.create();
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => codes.reissue(id)));
    const issued = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value.id] : []));
    expect(issued).toEqual([(await codes.get(id)).reissuedAs]);
    expect(await codes.list()).toHaveLength(2);
  });

  it('again with the same Idempotency-Key answers the same code, and for another code is a conflict', async () => {
    const [one, other] = [await codes.create(), await codes.create()];
    const key = newId();
    const first = await codes.reissue(one.id, { key });
    expect(await codes.reissue(one.id, { key })).toEqual(first);
    await expect(codes.reissue(one.id, { key, reason: 'other' })).rejects.toMatchObject({
      kind: 'idempotency-conflict',
    });
    await expect(codes.reissue(other.id, { key })).rejects.toMatchObject({ kind: 'idempotency-conflict' });
    expect(await codes.get(other.id)).toMatchObject({ status: 'active' });
  });
});

describe('restoring', () => {
  const edits: UpdateCode[] = [
    { title: 'b', target: { url: 'https://example.org/b' } },
    { tags: ['x'], folder: 'F', maxScans: 3 },
    { title: null, tags: [], maxScans: null, expiresAt: '2099-01-01T00:00:00.000Z' },
  ];
  const edited = async (): Promise<Code[]> => {
    const versions = [await codes.create({ title: 'a' })];
    const id = versions[0]?.id ?? '';
    for (const edit of edits) versions.push(await codes.update(id, edit));
    return versions;
  };
  const fieldsOf = ({ target, title, tags, folder, activeFrom, expiresAt, maxScans, claimMode }: Code) => ({
    target,
    title,
    tags,
    folder,
    activeFrom,
    expiresAt,
    maxScans,
    claimMode,
  });

  it.each([
    ['as they are kept', 'SELECT 1'],
    // As a release left them that did not keep versions whole.
    ['as their changes tell them', 'UPDATE codes.versions SET state = NULL'],
  ])('brings back the fields of every version, %s', async (_how, prepare) => {
    const versions = await edited();
    const id = versions[0]?.id ?? '';
    await platform.dataSource.query(prepare);
    for (const [index, former] of versions.entries()) {
      const before = await codes.get(id);
      const restored = await codes.restore(id, former.version);
      expect(fieldsOf(restored)).toEqual(fieldsOf(former));
      const isSame = index === versions.length - 1 && before.version === versions.length;
      expect(restored.version).toBe(before.version + (isSame ? 0 : 1));
    }
    expect((await codes.history(id))[0]).toMatchObject({ action: 'restored', restoredVersion: 4 });
    expect((await eventsOf(id)).at(-1)?.[0]).toBe('code.updated');
    expect((await auditOf(id)).at(-1)).toEqual(['code.restore']);
  });

  it('is effective at the redirect before the call returns, and leaves the state', async () => {
    const { id, slug } = await codes.create();
    await codes.update(id, { target: { url: 'https://example.org/b' } });
    await codes.pause(id);
    expect(await codes.restore(id, 1)).toMatchObject({ status: 'paused', version: 4, propagation: 'effective' });
    const entry = await platform.codeState.read(codeKey(slug ?? ''));
    expect(entry?.snapshot).toMatchObject({ target: { url: 'https://example.org/' }, state: 'paused' });
  });

  it('what is there changes nothing', async () => {
    const { id } = await codes.create();
    expect(await codes.restore(id, 1)).toMatchObject({ version: 1 });
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it('a version that never was is refused', async () => {
    const { id } = await codes.create();
    await expect(codes.restore(id, 2)).rejects.toMatchObject({
      kind: 'invalid-request',
      details: { errors: [{ path: 'version' }] },
    });
  });

  it('follows the rules of today', async () => {
    const { id } = await codes.create({ maxScans: 2 });
    await codes.update(id, { maxScans: 9 });
    await platform.dataSource.query('UPDATE codes.codes SET scans_used = 5 WHERE id = $1', [id]);
    await expect(codes.restore(id, 1)).rejects.toMatchObject({ kind: 'invalid-request' });
    expect(await codes.get(id)).toMatchObject({ version: 2, maxScans: 9 });
  });

  it('what an incomplete history no longer tells is refused, with the reason', async () => {
    const [{ id } = await codes.create()] = await edited();
    await platform.dataSource.query('UPDATE codes.versions SET state = NULL WHERE code_id = $1', [id]);
    await platform.dataSource.query('DELETE FROM codes.versions WHERE code_id = $1 AND version = 2', [id]);
    await expect(codes.restore(id, 3)).rejects.toMatchObject({
      kind: 'version-not-restorable',
      details: { detail: expect.stringContaining('Version 3') },
    });
    expect(await codes.restore(id, 1)).toMatchObject({ title: 'a', version: 5 });
  });
});
