import { KeyRing, newId, resealSecrets } from '@signet/platform';
import { authenticatorCode, openTestDatabase, type TestDatabase } from '@signet/testing';
import { FactorEnrollment } from './factor-enrollment.js';
import { findFactor } from './factors.sql.js';
import { MIGRATIONS } from './mfa-app.fixture.js';
import { countCodesOfOlderKeys, totpSecrets } from './sealed-secrets.js';
import { EMPTY_PROFILE } from './subject.js';
import { insertSubject } from './subjects.sql.js';
import { TotpKind } from './totp-kind.js';

const at = new Date('2026-11-24T12:00:00Z');
const old = KeyRing.generate();
const fresh = KeyRing.generate().replace(/^k1/, 'k2');

describe('sealing secrets with a new key', () => {
  let database: TestDatabase;
  const before = new KeyRing(old);
  const both = new KeyRing(`${fresh},${old}`);
  const after = new KeyRing(fresh);
  const made: { factorId: string; secret: Buffer }[] = [];

  beforeAll(async () => {
    database = await openTestDatabase(MIGRATIONS);
    const factors = new FactorEnrollment(before, new TotpKind(before));
    await database.dataSource.transaction(async (manager) => {
      const named = { id: newId(), workspaceId: newId(), subject: 'many', profile: EMPTY_PROFILE, at };
      const subject = await insertSubject(manager, named);
      if (!subject) throw new Error('the subject exists');
      for (let index = 0; index < 600; index += 1) made.push(await factors.begin(manager, subject, at));
      await factors.issueRecoveryCodes(manager, subject, { actor: 'system', requestId: newId(), at });
    });
  });
  afterAll(() => database.close());

  const opens = async (keyRing: KeyRing): Promise<boolean> => {
    const totp = new TotpKind(keyRing);
    for (const { factorId, secret } of made) {
      const factor = await findFactor(database.dataSource.manager, factorId);
      if (!factor || !totp.evaluate(factor, authenticatorCode(secret, at), at).matched) return false;
    }
    return true;
  };

  it('reseals all in batches with progress, goes on after a stop, and then needs the old key no more', async () => {
    const stop = new Error('stopped');
    const stopping = resealSecrets(database.dataSource, both, [totpSecrets], () => {
      throw stop;
    });
    await expect(stopping).rejects.toBe(stop);
    await expect(opens(after)).rejects.toThrow('Internal error');
    expect(await opens(both)).toBe(true);
    const reports: number[] = [];
    const result = await resealSecrets(
      database.dataSource,
      both,
      [totpSecrets],
      ({ checked }) => void reports.push(checked),
    );
    expect(reports).toEqual([500, 600]);
    expect(result).toEqual({ checked: 600, total: 600, resealed: 100 });
    expect(await countCodesOfOlderKeys(database.dataSource, both)).toBe(10);
    expect(await opens(after)).toBe(true);
    expect(await resealSecrets(database.dataSource, both, [totpSecrets])).toMatchObject({ resealed: 0 });
  });
});
