import { KeyRing, newId, type Caller } from '@signet/platform';
import { authenticatorCode, openTestDatabase, wrongCode, type TestDatabase } from '@signet/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { FactorEnrollment } from './factor-enrollment.js';
import { burnSteps, findFactor } from './factors.sql.js';
import { MIGRATIONS } from './mfa-app.fixture.js';
import { RecoveryKind } from './recovery-kind.js';
import { insertSubject, lockSubject } from './subjects.sql.js';
import { EMPTY_PROFILE } from './subject.js';
import { TotpKind } from './totp-kind.js';
import { toAttempt, type Attempt } from './verification/attempt.js';
import { decideAttempts } from './verification/decide-attempts.js';
import { lockTargets } from './verification/lock-targets.js';

const onServer = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;
const at = new Date('2026-11-24T12:00:00Z');
const later = new Date(at.getTime() + 30_000);

describe('mfa storage', () => {
  let database: TestDatabase;
  const keyRing = new KeyRing(KeyRing.generate());
  const totp = new TotpKind(keyRing);
  const factors = new FactorEnrollment(keyRing, totp);
  const workspaceId = newId();

  beforeAll(async () => {
    database = await openTestDatabase(MIGRATIONS);
  });
  afterAll(() => database.close());

  const begin = (name: string, dataSource: DataSource = database.dataSource) =>
    dataSource.transaction(async (manager) => {
      const profile = EMPTY_PROFILE;
      const subject = await insertSubject(manager, { id: newId(), workspaceId, subject: name, profile, at });
      if (!subject) throw new Error('the subject exists');
      return { subject, ...(await factors.begin(manager, subject, at)) };
    });
  const confirm = (factorId: string, secret: Buffer, dataSource: DataSource = database.dataSource) =>
    dataSource.transaction((manager) =>
      factors.confirm(manager, factorId, { code: authenticatorCode(secret, at), at }),
    );

  const kinds = { totp, recovery: new RecoveryKind(keyRing) };
  const decide = async (manager: EntityManager, attempt: Attempt) => {
    const [decision] = await decideAttempts(manager, kinds, await lockTargets(manager, [{ attempt }]));
    return decision;
  };

  it('keeps a secret sealed, and for its own factor only', async () => {
    const [mine, theirs] = [await begin('mine'), await begin('theirs')];
    const stored = await findFactor(database.dataSource.manager, mine.factorId);
    const other = await findFactor(database.dataSource.manager, theirs.factorId);
    if (!stored?.secret || !other?.secret) throw new Error('no secret was stored');
    expect(stored.secret.includes(mine.secret)).toBe(false);
    const code = authenticatorCode(mine.secret, at);
    expect(totp.evaluate(stored, code, at)).toMatchObject({ matched: true });
    expect(() => totp.evaluate({ ...stored, secret: other.secret }, code, at)).toThrow('Internal error');
    expect(() => totp.evaluate({ ...stored, workspaceId: newId() }, code, at)).toThrow('Internal error');
  });

  it('lets one of many burn a step, and none go back', async () => {
    const { factorId, secret } = await begin('burning');
    await confirm(factorId, secret);
    const step = at.getTime() / 30_000 + 1;
    const use = { factorId, at, ip: undefined, country: undefined };
    const burn = async (number: number) =>
      (await burnSteps(database.dataSource.manager, [{ ...use, step: number }])).has(factorId);
    const burnt: boolean[] = [];
    await Promise.all(Array.from({ length: 10 }, async () => burnt.push(await burn(step))));
    expect(burnt.filter(Boolean)).toHaveLength(1);
    expect(await burn(step - 1)).toBe(false);
  });

  it('opens nothing with a factor that is pending', async () => {
    const { factorId, secret, subject } = await begin('pending');
    const caller: Caller = { workspaceId, keyId: newId(), scopes: [], actor: 'key:k', requestId: 'r' };
    const body = { subject: subject.subject, factor: 'totp', code: authenticatorCode(secret, at) } as const;
    const decision = await database.dataSource.transaction((manager) => decide(manager, toAttempt(caller, body, at)));
    expect(decision).toMatchObject({ result: 'rejected', reason: 'no_factor' });
    expect(await findFactor(database.dataSource.manager, factorId)).toMatchObject({ status: 'pending', failures: 0 });
  });

  it.each(['signet_redirect', 'signet_analytics'])('grants %s nothing', async (role) => {
    const rows: { name: string; allowed: boolean }[] = await database.dataSource.query(
      `SELECT c.relname AS name,
              has_schema_privilege($1, 'mfa', 'USAGE')
                OR has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE')
                OR has_table_privilege($1, c.oid, 'DELETE, TRUNCATE') AS allowed
       FROM pg_class c WHERE c.relnamespace = 'mfa'::regnamespace AND c.relkind = 'r' ORDER BY c.relname`,
      [role],
    );
    expect(rows).toEqual(
      ['factors', 'recovery_codes', 'strangers', 'subject_demands', 'subjects', 'verifications'].map((name) => ({
        name,
        allowed: false,
      })),
    );
  });

  onServer('by the roles of the services', () => {
    const denied = /permission denied/;

    it('redirect can’t read a factor', async () => {
      const redirect = await database.as('signet_redirect');
      await expect(redirect.query('SELECT id FROM mfa.factors')).rejects.toThrow(denied);
    });

    it('enrollment makes factors and verification uses them, each with its own grants', async () => {
      const enrollment = await database.as('signet_enrollment');
      const verification = await database.as('signet_verification');
      const { factorId, secret, subject } = await begin('roles', enrollment);
      expect(await confirm(factorId, secret, enrollment)).toBe(true);
      const issue = () =>
        enrollment.transaction(async (manager) => {
          const locked = await lockSubject(manager, workspaceId, subject.subject);
          if (!locked) throw new Error('no such subject');
          return factors.issueRecoveryCodes(manager, locked, { actor: 'system', requestId: 'r', at });
        });
      await issue();
      const [recoveryCode = ''] = await issue();

      const caller: Caller = { workspaceId, keyId: newId(), scopes: [], actor: 'key:k', requestId: 'r' };
      const decideOn = (name: string, code: string, factor: 'totp' | 'recovery' = 'totp') =>
        verification.transaction((manager) =>
          decide(manager, toAttempt(caller, { subject: name, factor, code }, later)),
        );
      expect(await decideOn('roles', wrongCode(secret, later))).toMatchObject({ reason: 'invalid_code' });
      expect(await decideOn('roles', authenticatorCode(secret, later))).toMatchObject({ result: 'accepted', factorId });
      expect(await decideOn('roles', recoveryCode, 'recovery')).toMatchObject({ result: 'accepted' });
      expect(await decideOn('nobody', '000000')).toMatchObject({ reason: 'unknown_subject' });
    });

    it.each([
      ['change a secret', 'UPDATE mfa.factors SET secret = NULL'],
      ['make a factor', `INSERT INTO mfa.factors SELECT * FROM mfa.factors WHERE false`],
      ['change who a subject is', `UPDATE mfa.subjects SET email = NULL`],
      ['remove an attempt', 'DELETE FROM mfa.verifications'],
    ])('verification can’t %s', async (_what, statement) => {
      await expect((await database.as('signet_verification')).query(statement)).rejects.toThrow(denied);
    });
  });
});
