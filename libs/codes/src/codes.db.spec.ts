import { AccessModule, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import {
  CODE_STATUSES,
  CodeEventDataSchema,
  ListCodesQuerySchema,
  type Code,
  type CodeSnapshot,
} from '@signet/contracts';
import { MemoryCodeState, newId, SignetError } from '@signet/platform';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodesOf, storedCode } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';
import { CodesService } from './codes.service.js';
import { codeBelongsTo, countUnpropagated, findEntryByKey } from './codes.sql.js';
import { insertWithSlug } from './slug-assignment.js';
import { CodeSearch } from './search/code-search.service.js';
import { codeKey } from './slug.js';

/** A store that goes out of reach when the test says so, as Redis does. */
class CodeStateWithOutages extends MemoryCodeState {
  outage?: 'fails' | 'hangs';

  override write(key: string, snapshot: CodeSnapshot): Promise<boolean> {
    if (this.outage === 'hangs') return new Promise(() => undefined);
    if (this.outage === 'fails') return Promise.reject(new SignetError('unavailable'));
    return super.write(key, snapshot);
  }
}

describe('codes', () => {
  let platform: TestPlatform;
  let codeState: CodeStateWithOutages;
  let app: NestFastifyApplication;
  let service: CodesService;
  let codes: CodesOf;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
    codeState = new CodeStateWithOutages({ clock: platform.clock });
    app = await createTestApp({ ...platform, codeState }, [AuditModule, AccessModule, CodesModule]);
    service = app.get(CodesService);
  });
  beforeEach(() => {
    codes = new CodesOf(app);
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const stateOf = (code: Code) => codeState.read(codeKey(code.slug ?? ''));
  const eventsOf = (code: Code): Promise<{ type: string; payload: unknown }[]> =>
    platform.dataSource.query(`SELECT type, payload FROM outbox.events WHERE aggregateid = $1 ORDER BY tx, position`, [
      code.id,
    ]);
  const auditOf = async (code: Code): Promise<object[]> => {
    const rows: { record: object }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'codeId' = $1 ORDER BY tx, position`,
      [code.id],
    );
    return rows.map(({ record }) => record);
  };
  const historyOf = async (code: Code) =>
    (await service.history(codes.caller, { params: { id: code.id }, query: { limit: 200 }, body: undefined })).items;
  describe('a change', () => {
    it('is in CodeState, the history, the outbox and the audit log when its call returns', async () => {
      const created = await codes.create({ title: 'Summer', tags: ['a'], maxScans: 5 });
      expect(created).toMatchObject({ status: 'active', version: 1, claimMode: 'direct', propagation: 'effective' });
      const updated = await codes.update(created.id, { target: { url: 'https://example.org/2' } });
      expect(updated).toMatchObject({ version: 2, propagation: 'effective' });
      expect(await stateOf(created)).toMatchObject({
        snapshot: { version: 2, target: { url: 'https://example.org/2' } },
      });
      const revoked = await codes.revoke(created.id, 'printed wrongly');
      expect(revoked).toMatchObject({ version: 3, status: 'revoked', revokedReason: 'printed wrongly' });
      expect(await stateOf(created)).toMatchObject({ snapshot: { version: 3, state: 'revoked' } });

      const by = codes.caller.actor;
      expect(await historyOf(created)).toMatchObject([
        {
          version: 3,
          by,
          action: 'revoked',
          changes: [
            { field: 'status', from: 'active', to: 'revoked' },
            { field: 'revokedReason', from: null, to: 'printed wrongly' },
          ],
        },
        {
          version: 2,
          by,
          action: 'updated',
          changes: [{ field: 'target', from: { url: 'https://example.org/' }, to: { url: 'https://example.org/2' } }],
        },
        { version: 1, by, action: 'created' },
      ]);
      expect(await auditOf(created)).toMatchObject([
        { action: 'code.create', actor: by, requestId: codes.caller.requestId },
        { action: 'code.update', actor: by },
        { action: 'code.revoke', actor: by, reason: 'printed wrongly' },
      ]);
      const events = await eventsOf(created);
      expect(events.map(({ type }) => type)).toEqual(['code.created', 'code.updated', 'code.revoked']);
      for (const { payload } of events) CodeEventDataSchema.parse(payload);
      expect(events[2]?.payload).toMatchObject({
        workspaceId: codes.caller.workspaceId,
        status: 'revoked',
        version: 3,
        target: { url: 'https://example.org/2' },
        reason: 'printed wrongly',
      });
    });

    it('tells the secret slug of a limited code to nobody but its workspace', async () => {
      const code = await codes.create({ maxScans: 1 });
      expect(code.slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{22}$/);
      const told = JSON.stringify([
        await eventsOf(code),
        await auditOf(code),
        await historyOf(code),
        await stateOf(code),
      ]);
      expect(told).not.toContain(code.slug);
    });

    it('that changes nothing is none: no version, no event', async () => {
      const code = await codes.create({ title: 'Summer' });
      const same = await codes.update(code.id, { title: 'Summer', target: { url: 'https://example.org/' } });
      expect(same).toEqual(code);
      expect(await eventsOf(code)).toHaveLength(1);
      await codes.revoke(code.id);
      const again = await codes.revoke(code.id, 'another reason');
      expect(again).toMatchObject({ version: 2, revokedReason: 'lost', propagation: 'effective' });
      expect(await historyOf(code)).toHaveLength(2);
    });

    it('of the same code by 20 at once is made by each, and no version repeats', async () => {
      const code = await codes.create();
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          index % 2 === 0
            ? codes.update(code.id, { title: `t${index}` })
            : codes.update(code.id, { folder: `f${index}` }),
        ),
      );
      const versions = (await historyOf(code)).map(({ version }) => version);
      expect(versions).toEqual(Array.from({ length: 21 }, (_, index) => 21 - index));
      expect(await stateOf(code)).toMatchObject({ snapshot: { version: 21 } });
    });

    it('under a version that is not the current one is refused and leaves everything', async () => {
      const code = await codes.create();
      await codes.update(code.id, { title: 'a' }, '"1"');
      await expect(codes.update(code.id, { title: 'b' }, '"1"')).rejects.toMatchObject({ kind: 'version-mismatch' });
      await expect(codes.revoke(code.id, 'lost', '"1"')).rejects.toMatchObject({ kind: 'version-mismatch' });
      expect(await codes.get(code.id)).toMatchObject({ version: 2, title: 'a', status: 'active' });
    });

    it('of a revoked code is refused', async () => {
      const code = await codes.create();
      await codes.revoke(code.id);
      await expect(codes.update(code.id, { title: 'b' })).rejects.toMatchObject({ kind: 'code-not-editable' });
    });

    it('to a limit below the uses that happened is refused', async () => {
      const code = await codes.create({ maxScans: 5 });
      await platform.dataSource.query('UPDATE codes.codes SET scans_used = 3 WHERE id = $1', [code.id]);
      await expect(codes.update(code.id, { maxScans: 2 })).rejects.toMatchObject({ kind: 'invalid-request' });
      expect(await codes.update(code.id, { maxScans: 3 })).toMatchObject({ status: 'exhausted' });
      expect(await codes.update(code.id, { maxScans: 4 })).toMatchObject({ status: 'active', scansUsed: 3 });
    });
  });

  describe('while CodeState cannot be reached', () => {
    it('changes are made and pending, and are brought there as they are by then when it is back', async () => {
      const code = await codes.create();
      codeState.outage = 'fails';
      expect(await codes.update(code.id, { title: 'a' })).toMatchObject({ version: 2, propagation: 'pending' });
      expect(await codes.revoke(code.id)).toMatchObject({ version: 3, propagation: 'pending' });
      const born = await codes.create();
      expect(born.propagation).toBe('pending');
      expect(await stateOf(code)).toMatchObject({ snapshot: { version: 1 } });
      codeState.outage = undefined;
      await until(async () => (await stateOf(code))?.snapshot.version === 3);
      await until(async () => (await countUnpropagated(platform.dataSource.manager)) === 0);
      expect(await stateOf(born)).toMatchObject({ snapshot: { version: 1 } });
    });

    it('a call does not wait for a store that says nothing', async () => {
      const code = await codes.create();
      codeState.outage = 'hangs';
      expect(await codes.revoke(code.id)).toMatchObject({ status: 'revoked', propagation: 'pending' });
      codeState.outage = undefined;
      await until(async () => (await countUnpropagated(platform.dataSource.manager)) === 0);
      expect(await stateOf(code)).toMatchObject({ snapshot: { state: 'revoked' } });
    });
  });

  describe('slugs', () => {
    it('are drawn again when somebody has them', async () => {
      const taken = await codes.create();
      const draws = [taken.slug ?? '', taken.slug ?? '', 'docs', `free${newId()}`.slice(-20)];
      const { slug: _slug, slugKey: _slugKey, ...draft } = storedCode();
      const code = await insertWithSlug(platform.dataSource.manager, undefined, draft, {
        draw: () => draws.shift() ?? '',
      });
      expect([code.slug?.length, draws]).toEqual([20, []]);
    });
  });

  describe('the list', () => {
    const list = (query: object) => app.get(CodeSearch).list(codes.caller, ListCodesQuerySchema.parse(query));
    const titles = async (query: object): Promise<(string | null)[]> =>
      (await list(query)).items.map(({ title }) => title);

    it('goes through every code once, a page at a time, in both orders, also of the same millisecond', async () => {
      const made: string[] = [];
      for (let index = 0; index < 7; index += 1) {
        if (index % 3 === 0) platform.clock.advance(1);
        made.push((await codes.create()).id);
      }
      for (const [sort, expected] of [
        ['createdAt', made.toSorted()],
        ['-createdAt', made.toSorted().toReversed()],
      ] as const) {
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await list({ sort, limit: 2, cursor });
          found.push(...page.items.map(({ id }) => id));
          cursor = page.nextCursor ?? undefined;
        } while (cursor);
        expect(found).toEqual(expected);
      }
    });

    it('finds by text, tag, folder and kind, and takes % and _ as they are', async () => {
      await codes.create({ title: '100% wool', tags: ['a', 'b'], folder: 'Shop' });
      await codes.create({ title: '100 wool', tags: ['b'], folder: 'Shop/Winter' });
      await codes.create({ title: 'other', target: { url: 'https://wool_shop.example/' } });
      expect(new Set(await titles({ q: 'WOOL' }))).toEqual(new Set(['100 wool', '100% wool', 'other']));
      expect(await titles({ q: '100%' })).toEqual(['100% wool']);
      expect(await titles({ q: 'wool_' })).toEqual(['other']);
      expect(await titles({ q: String.raw`wool\ ` })).toEqual([]);
      expect(await titles({ tag: 'a' })).toEqual(['100% wool']);
      expect(await titles({ folder: 'Shop' })).toEqual(['100 wool', '100% wool']);
      expect(await titles({ folder: 'Shop/Winter' })).toEqual(['100 wool']);
      expect(await titles({ kind: 'file' })).toEqual([]);
      expect(await titles({ kind: 'link', tag: 'b' })).toHaveLength(2);
    });

    it('finds by status exactly the codes that show it', async () => {
      const now = platform.clock.now().getTime();
      const at = (offset: number): string => new Date(now + offset).toISOString();
      for (const expiresAt of [undefined, at(0), at(1)])
        for (const activeFrom of [undefined, at(-5), at(1)])
          for (const used of [undefined, 0, 1]) {
            if (activeFrom !== undefined && expiresAt !== undefined && activeFrom >= expiresAt) continue;
            const code = await codes.create({ expiresAt, activeFrom, maxScans: used === undefined ? undefined : 1 });
            if (used === 1)
              await platform.dataSource.query('UPDATE codes.codes SET scans_used = 1 WHERE id = $1', [code.id]);
            if (expiresAt === at(1)) await codes.revoke((await codes.create({ activeFrom, expiresAt })).id);
            if (used === undefined) await codes.pause((await codes.create({ activeFrom, expiresAt })).id);
          }
      const all = (await list({ limit: 200 })).items;
      expect(new Set(all.map(({ status }) => status))).toEqual(
        new Set(['active', 'scheduled', 'paused', 'expired', 'exhausted', 'revoked']),
      );
      for (const status of CODE_STATUSES.filter((one) => one !== 'archived')) {
        const found = (await list({ status, limit: 200 })).items.map(({ id }) => id);
        expect(found).toEqual(all.filter((code) => code.status === status).map(({ id }) => id));
      }
    });

    it('shows nothing of another workspace', async () => {
      const code = await codes.create();
      const others = new CodesOf(app);
      await expect(others.get(code.id)).rejects.toMatchObject({ kind: 'not-found' });
      await expect(others.update(code.id, { title: 'x' })).rejects.toMatchObject({ kind: 'not-found' });
      await expect(others.revoke(code.id)).rejects.toMatchObject({ kind: 'not-found' });
      const query = ListCodesQuerySchema.parse({});
      expect((await app.get(CodeSearch).list(others.caller, query)).items).toEqual([]);
      const { manager } = platform.dataSource;
      expect(await codeBelongsTo(manager, codes.caller.workspaceId, code.id)).toBe(true);
      expect(await codeBelongsTo(manager, others.caller.workspaceId, code.id)).toBe(false);
    });
  });

  it('are found by their key, with their uses, for a redirect that knows nothing of them', async () => {
    const code = await codes.create({ maxScans: 1 });
    const { manager } = platform.dataSource;
    const entry = await findEntryByKey(manager, codeKey(code.slug ?? ''));
    expect(entry).toEqual(await stateOf(code));
    expect(await findEntryByKey(manager, code.slug ?? '')).toBeUndefined();
    expect(await findEntryByKey(manager, 'nobody')).toBeUndefined();
  });
});
