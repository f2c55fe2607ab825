import { accessMigrations } from '@signet/access';
import { alertsMigrations } from '@signet/alerts';
import { auditMigrations } from '@signet/audit';
import { KeyRing, newId, resealSecrets } from '@signet/platform';
import { privacyMigrations } from '@signet/privacy';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { webhooksMigrations } from '../webhooks/webhooks.migrations.js';
import { channelSecrets, SealedSettings } from './channel-settings.js';
import { findChannel, insertChannel } from './channels.sql.js';

const at = '2026-11-24T12:00:00.000Z';
const old = KeyRing.generate();
const fresh = KeyRing.generate().replace(/^k1/, 'k2');

describe('the settings of channels', () => {
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

  it('rest sealed, and open with the new master key alone once they are sealed anew', async () => {
    const { dataSource } = database;
    const owner = { workspaceId: newId(), id: newId() };
    const settings = { kind: 'slack' as const, url: 'https://chat.example.org/hidden-word' };
    const sealedSettings = new SealedSettings(new KeyRing(old)).seal(settings, owner);
    await insertChannel(dataSource.manager, {
      ...owner,
      sealedSettings,
      name: 'chat',
      kind: settings.kind,
      destination: 'chat.example.org',
      minSeverity: 'low',
      alertKinds: null,
      resolved: false,
      digestSeconds: 60,
      enabled: true,
      waiting: 0,
      lastSentAt: null,
      lastFailure: null,
      failingSince: null,
      version: 1,
      createdAt: at,
      updatedAt: at,
      createdBy: 'test',
    });
    const stored = async (): Promise<Buffer> =>
      (await findChannel(dataSource.manager, owner.workspaceId, owner.id))?.sealedSettings ?? Buffer.alloc(0);
    expect((await stored()).toString('latin1')).not.toContain('hidden-word');
    const renewed = new SealedSettings(new KeyRing(fresh));
    const sealedBefore = await stored();
    expect(() => renewed.open(sealedBefore, owner)).toThrow('Internal error');
    const rings = new KeyRing(`${fresh},${old}`);
    expect(await resealSecrets(dataSource, rings, [channelSecrets])).toMatchObject({ total: 1, resealed: 1 });
    expect(renewed.open(await stored(), owner)).toEqual(settings);
  });
});
