import { randomUUID } from 'node:crypto';
import type { BulkRevoked } from '@signet/contracts';
import { codeKey } from '../slug.js';
import { BulkClient, idsOf, lines, link } from './bulk.fixture.js';

describe('codes by ids or filter', () => {
  let bulk: BulkClient;
  beforeAll(async () => {
    bulk = await BulkClient.open();
  });
  afterAll(() => bulk.close());

  const issue = async (count: number, fields: object): Promise<string[]> =>
    idsOf(await bulk.upload(lines(Array.from({ length: count }, () => link(fields)))));
  const revoke = async (
    body: object,
    { query = '', once }: { query?: string; once?: string } = {},
  ): Promise<BulkRevoked> => {
    const answer = await bulk.call('POST', `/v1/codes/bulk/revoke?${query}`, body, { ...(once && { once }) });
    expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)]);
    return answer.json();
  };
  const statuses = async (ids: readonly string[]): Promise<string[]> => {
    const codes = await Promise.all(ids.map((id) => bulk.code(id)));
    return codes.map(({ status }) => status);
  };

  it('revokes everything that matches, over many batches, and nothing else', async () => {
    const [inside, outside] = [await issue(1100, { folder: 'Lost', maxScans: 3 }), await issue(2, { folder: 'Kept' })];
    await bulk.call('POST', `/v1/codes/${inside[0]}/revoke`, { reason: 'before' });
    const body = { filter: { folder: 'Lost' }, reason: 'printed wrongly' };
    const once = randomUUID();
    const dry = await revoke(body, { query: 'dryRun=true', once });
    expect(dry).toMatchObject({ matched: 1100, revoked: 1099, unchanged: 1 });
    expect(await statuses(inside.slice(1, 4))).toEqual(['active', 'active', 'active']);
    const done = await revoke(body, { once });
    expect(done).toEqual({
      matched: 1100,
      revoked: 1099,
      unchanged: 1,
      failed: 0,
      errors: [],
      propagation: 'effective',
    });
    const remaining = (await bulk.call('GET', '/v1/codes?status=active&folder=Lost')).json();
    expect([remaining.items, await statuses(outside)]).toEqual([[], ['active', 'active']]);
    const last = await bulk.code(inside.at(-1) ?? '');
    expect([last.revokedReason, last.version]).toEqual(['printed wrongly', 2]);
    expect(await bulk.platform.codeState.read(codeKey(last.slug ?? ''))).toMatchObject({
      snapshot: { state: 'revoked' },
    });
    expect(await revoke(body, { once })).toEqual(done);
  });

  it('re-tags and changes what the filter finds, each code once', async () => {
    const ids = await issue(3, { campaign: 'spring', tags: ['old', 'kept'] });
    const body = {
      filter: { campaign: 'spring' },
      set: { campaign: 'summer', owner: 'ops' },
      addTags: ['new'],
      removeTags: ['old'],
    };
    const answer = await bulk.call('POST', '/v1/codes/bulk/update', body);
    expect(answer.json()).toMatchObject({ matched: 3, updated: 3, unchanged: 0, failed: 0 });
    for (const id of ids)
      expect(await bulk.code(id)).toMatchObject({
        tags: ['kept', 'new'],
        campaign: 'summer',
        owner: 'ops',
        version: 2,
      });
    const { items } = (await bulk.call('GET', '/v1/tags?q=new')).json();
    expect(items).toEqual([{ name: 'new', codes: 3 }]);
  });

  it('names the codes that are refused, and does the others', async () => {
    const [one = '', two = ''] = await issue(2, {});
    const nobody = randomUUID();
    await bulk.call('DELETE', `/v1/codes/${one}`);
    const done = await revoke({ ids: [one, two, two, nobody], reason: 'x' });
    expect(done).toMatchObject({ matched: 2, revoked: 1, failed: 2 });
    expect(done.errors.map(({ id, problem }) => [id, problem.status])).toEqual([
      [one, 409],
      [nobody, 404],
    ]);
    expect(await statuses([one, two])).toEqual(['archived', 'revoked']);
  });

  it.each([
    ['neither ids nor a filter', { reason: 'x' }],
    ['both', { ids: [randomUUID()], filter: { tag: 'a' }, reason: 'x' }],
    ['a filter that is empty', { filter: {}, reason: 'x' }],
    ['a filter of unknown fields', { filter: { colour: 'red' }, reason: 'x' }],
    ['no reason', { filter: { tag: 'a' } }],
  ])('refuses %s', async (_what, body) => {
    expect((await bulk.call('POST', '/v1/codes/bulk/revoke', body)).statusCode).toBe(422);
  });

  it('refuses an update that changes nothing', async () => {
    const answer = await bulk.call('POST', '/v1/codes/bulk/update', { filter: { tag: 'a' } });
    expect(answer.statusCode).toBe(422);
  });
});
