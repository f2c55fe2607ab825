import { accessMigrations } from '@signet/access';
import { alertsMigrations } from '@signet/alerts';
import { auditMigrations } from '@signet/audit';
import { KeyRing, newId, resealSecrets } from '@signet/platform';
import { privacyMigrations } from '@signet/privacy';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { EndpointKeys, webhookSecrets } from './endpoint-keys.js';
import { insertEndpoint } from './endpoints.sql.js';
import { webhooksMigrations } from './webhooks.migrations.js';

const at = new Date('2026-11-24T12:00:00Z');
const old = KeyRing.generate();
const fresh = KeyRing.generate().replace(/^k1/, 'k2');

describe('the secrets of webhooks', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase([
      ...auditMigrations,
      ...accessMigrations,
      ...privacyMigrations,
      ...alertsMigrations,
      ...webhooksMigrations,
    ]);
  });
  afterAll(() => database.close());

  it('open with the new master key alone once they are sealed anew', async () => {
    const { dataSource } = database;
    const owner = { workspaceId: newId(), endpointId: newId() };
    await insertEndpoint(dataSource.manager, {
      id: owner.endpointId,
      workspaceId: owner.workspaceId,
      url: 'https://example.org/hook',
      events: ['*'],
      description: null,
      signature: 'hmac',
      enabled: true,
      disabledReason: null,
      failingSince: null,
      version: 1,
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
      createdBy: 'test',
    });
    const { secret } = await new EndpointKeys(new KeyRing(old)).add(dataSource.manager, owner, 'hmac', at);
    const renewed = new EndpointKeys(new KeyRing(fresh));
    const secrets = () => renewed.secretsOf(dataSource.manager, [owner], at);
    await expect(secrets()).rejects.toThrow('Internal error');
    expect(await resealSecrets(dataSource, new KeyRing(`${fresh},${old}`), [webhookSecrets])).toEqual({
      checked: 1,
      total: 1,
      resealed: 1,
    });
    expect((await secrets()).get(owner.endpointId)).toEqual([secret]);
  });
});
