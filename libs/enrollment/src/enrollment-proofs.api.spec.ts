import { EnrollmentEventSchema, type EnrollmentEvent } from '@signet/contracts';
import { totp, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EndedLinks } from './ended-links.js';
import { EnrollmentApp, slugOf, type LinkEnrollment } from './enrollment-app.fixture.js';
import { secretIn, WizardBrowser } from './enrollment.fixture.js';
import type { ClaimedEnrollment } from './enrollment.js';

const STEP = 30_000;

describe('what an enrollment asks for besides its link', () => {
  let service: EnrollmentApp;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let call: EnrollmentApp['call'];
  let newSubject: EnrollmentApp['newSubject'];
  const pins = new Set<string>();

  beforeAll(async () => {
    service = await EnrollmentApp.open('2026-11-25T12:00:05Z', { settings: { SIGNET_CLAIMS_PER_MINUTE: '1000' } });
    ({ platform, app, call, newSubject } = service);
  });
  afterAll(() => service.close());

  const begin = async (subject: string, more: object = {}): Promise<LinkEnrollment> => {
    const answer = await call('POST', '/v1/enrollments', { subject, delivery: 'link', ...more });
    expect(answer.statusCode).toBe(201);
    const created: LinkEnrollment = answer.json();
    if (created.pin !== undefined) pins.add(created.pin);
    return created;
  };
  const pinned = async (): Promise<LinkEnrollment & { pin: string }> => {
    const link = await begin(await newSubject(), { requirePin: true });
    if (link.pin === undefined) throw new Error('there is no PIN');
    return { ...link, pin: link.pin };
  };
  const claim = (link: LinkEnrollment, pin?: string, headers: Record<string, string> = {}) =>
    call('POST', '/v1/enrollments/claim', { token: slugOf(link), pin }, headers);
  /** Other digits than those that are right. */
  const wrongPin = (pin: string, difference = 1): string =>
    String((Number(pin) + difference) % 100_000_000).padStart(8, '0');
  const kindOf = (answer: { statusCode: number; json(): { type: string; attemptsLeft?: number } }) => {
    const { type, attemptsLeft } = answer.json();
    return [
      answer.statusCode,
      type.replace('urn:signet:problem:', ''),
      ...(attemptsLeft === undefined ? [] : [attemptsLeft]),
    ];
  };
  const statusOf = async ({ id }: { id: string }) => (await call('GET', `/v1/enrollments/${id}`)).json().status;
  const eventsOf = async (subject: string): Promise<[type: string, data: EnrollmentEvent['data']][]> => {
    const rows: { type: string; data: unknown }[] = await platform.dataSource.query(
      `SELECT type, payload AS data FROM outbox.events
       WHERE aggregatetype = 'signet.enrollments.v1' AND payload->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ type, data }) => [type, EnrollmentEventSchema.shape.data.parse(data)]);
  };
  const auditOf = async (subject: string): Promise<{ action: string; result?: string; reason?: string }[]> => {
    const rows: { record: { action: string } }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ record }) => record);
  };
  const confirm = ({ enrollmentId, claimToken, otpauthUri }: ClaimedEnrollment, more: object = {}) =>
    call(
      'POST',
      `/v1/enrollments/${enrollmentId}/confirm`,
      { code: totp(secretIn(otpauthUri), platform.clock.now()), claimToken, ...more },
      {},
    );
  /** A subject with a factor, whose step of confirmation is over. */
  const enrolled = async (more: object = {}): Promise<{ subject: string; uri: string; factorId: string }> => {
    const subject = await newSubject();
    const claimed = (await claim(await begin(subject))).json<ClaimedEnrollment>();
    const { factorId } = (await confirm(claimed, more)).json();
    platform.clock.advance(STEP);
    return { subject, uri: claimed.otpauthUri, factorId };
  };
  const verify = async (subject: string, uri: string) =>
    (
      await call('POST', '/v1/verifications', {
        subject,
        factor: 'totp',
        code: totp(secretIn(uri), platform.clock.now()),
      })
    ).json();

  describe('a PIN', () => {
    it('is shown once to the issuer, and the link alone is not enough', async () => {
      const link = await pinned();
      expect(link).toMatchObject({ requiresPin: true, pin: expect.stringMatching(/^\d{8}$/) });
      const shown = (await call('GET', `/v1/enrollments/${link.id}`)).json();
      expect([shown.requiresPin, 'pin' in shown]).toEqual([true, false]);
      expect(kindOf(await claim(link))).toEqual([403, 'pin-required']);
      expect(kindOf(await claim(link, wrongPin(link.pin)))).toEqual([403, 'wrong-pin', 4]);
      const answer = await claim(link, ` ${link.pin.slice(0, 4)}-${link.pin.slice(4)} `);
      expect(answer.statusCode).toBe(200);
      expect(answer.json().otpauthUri).toContain('otpauth://totp/');
      const claims = (await auditOf(link.subject)).filter(({ action }) => action === 'enrollment.claim');
      expect(claims.map(({ result, reason }) => [result, reason])).toEqual([
        ['rejected', 'pin_required'],
        ['rejected', 'wrong_pin'],
        ['accepted', undefined],
      ]);
    });

    it('ends the enrollment when it is wrong for the fifth time, and the right one comes too late', async () => {
      const link = await pinned();
      for (const left of [4, 3, 2, 1])
        expect(kindOf(await claim(link, wrongPin(link.pin, left)))).toEqual([403, 'wrong-pin', left]);
      expect(kindOf(await claim(link, wrongPin(link.pin, 9)))).toEqual([410, 'enrollment-failed']);
      expect(kindOf(await claim(link, link.pin))).toEqual([410, 'code-revoked']);
      expect(await statusOf(link)).toBe('failed');
      expect((await call('GET', `/v1/codes/${link.codeId}`)).json()).toMatchObject({ status: 'revoked' });
      const [[type, data] = []] = (await eventsOf(link.subject)).slice(-1);
      expect([type, data?.reason]).toEqual(['enrollment.revoked', 'wrong_pin']);
    });

    it('is guessed five times at most by many at once, and taken once', async () => {
      const [guessed, shared] = [await pinned(), await pinned()];
      const guesses = await Promise.all(
        Array.from({ length: 20 }, (_, index) => claim(guessed, wrongPin(guessed.pin, index + 1))),
      );
      const kinds = guesses.map((answer) => String(kindOf(answer)[1]));
      expect(kinds.filter((kind) => kind === 'wrong-pin')).toHaveLength(4);
      expect(kinds.filter((kind) => kind === 'enrollment-failed')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'code-revoked')).toHaveLength(15);

      const claims = await Promise.all(Array.from({ length: 50 }, () => claim(shared, shared.pin)));
      expect(claims.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
      expect(claims.filter(({ statusCode }) => statusCode === 410)).toHaveLength(49);
    });

    it('is asked for by the page, which works without script and says what was wrong', async () => {
      const link = await pinned();
      const browser = new WizardBrowser(app, `/enroll/${slugOf(link)}`);
      await browser.open();
      expect(browser.page.html).toContain('tells you a PIN of eight digits by another way');
      await browser.submit('claim');
      expect([browser.page.status, browser.title]).toEqual([422, 'Set up your second step']);
      await browser.submit('claim', { pin: '12' });
      expect(browser.page.html).toContain('This is not the PIN that belongs to this code. 5 tries are left.');
      await browser.submit('claim', { pin: wrongPin(link.pin) });
      expect(browser.page.html).toContain('4 tries are left.');
      expect(browser.page.html).not.toContain(wrongPin(link.pin));
      await browser.submit('claim', { pin: link.pin });
      expect(browser.title).toBe('Add the account to your app');

      const other = await pinned();
      const guesser = new WizardBrowser(app, `/enroll/${slugOf(other)}`);
      await guesser.open();
      for (const difference of [1, 2, 3, 4, 5]) await guesser.submit('claim', { pin: wrongPin(other.pin, difference) });
      expect([guesser.page.status, guesser.title]).toEqual([410, 'Too many wrong PINs']);
      expect([(await guesser.open()).status, guesser.title]).toEqual([410, 'Too many wrong PINs']);
    });

    it('is required of every link while the settings say so, and goes on to a reissued one', async () => {
      const settings = { enabled: true, issuer: 'Signet', ticketTtlSeconds: 600 };
      await call('PUT', '/v1/settings/enrollment', { ...settings, requirePin: true });
      const link = await begin(await newSubject(), { requirePin: false });
      expect(link.pin).toMatch(/^\d{8}$/);
      expect((await call('PUT', '/v1/settings/enrollment', settings)).json()).toMatchObject({ requirePin: true });
      await call('PUT', '/v1/settings/enrollment', { ...settings, requirePin: false });
      const next = (await call('POST', `/v1/enrollments/${link.id}/reissue`, { reason: 'lost' })).json();
      pins.add(next.pin);
      expect([next.requiresPin, next.pin === link.pin]).toEqual([true, false]);
      expect((await begin(await newSubject())).pin).toBeUndefined();
    });

    it.each([
      ['one that is none', { token: 'x', pin: 'abcdefgh' }],
      ['one that is too short', { token: 'x', pin: '1234567' }],
    ])('is refused before anything is looked up: %s', async (_what, body) => {
      expect(kindOf(await call('POST', '/v1/enrollments/claim', body, {}))).toEqual([422, 'invalid-request']);
    });

    it('is nothing for a secret that is shown in place', async () => {
      const subject = await newSubject();
      const body = { subject, delivery: 'inline', requirePin: true };
      expect(kindOf(await call('POST', '/v1/enrollments', body))).toEqual([422, 'invalid-request']);
    });
  });

  describe('a further factor', () => {
    const post = (subject: string, stepUp?: object) =>
      call('POST', '/v1/enrollments', { subject, delivery: 'link', stepUp });

    it('needs a verification or a reason, also where the only one is locked', async () => {
      const { subject, uri, factorId } = await enrolled();
      expect(kindOf(await post(subject))).toEqual([403, 'step-up-required']);
      const { id: verificationId, result } = await verify(subject, uri);
      expect(result).toBe('accepted');
      expect((await post(subject, { verificationId })).statusCode).toBe(201);
      expect((await post(subject, { reason: 'a second phone' })).statusCode).toBe(201);
      const reasons = (await auditOf(subject)).filter(({ action }) => action === 'enrollment.create');
      expect(reasons.map(({ reason }) => reason)).toEqual([
        undefined,
        `verification ${verificationId}`,
        'a second phone',
      ]);
      await platform.dataSource.query(`UPDATE mfa.factors SET status = 'locked' WHERE id = $1`, [factorId]);
      expect(kindOf(await post(subject))).toEqual([403, 'step-up-required']);
    });

    it('takes no verification that is old, rejected, of somebody else, or by a factor that was revoked', async () => {
      const [person, stranger] = [await enrolled(), await enrolled()];
      const { id: foreign } = await verify(stranger.subject, stranger.uri);
      const { id: own } = await verify(person.subject, person.uri);
      const { id: replayed, result } = await verify(person.subject, person.uri);
      expect(result).toBe('rejected');
      for (const verificationId of [foreign, replayed, '0190163d-8694-739b-aea5-966c26f8ad91'])
        expect(kindOf(await post(person.subject, { verificationId }))).toEqual([403, 'step-up-required']);
      platform.clock.advance(5 * 60_000);
      expect(kindOf(await post(person.subject, { verificationId: own }))).toEqual([403, 'step-up-required']);
      const { id: recent } = await verify(person.subject, person.uri);
      await call('POST', `/v1/factors/${person.factorId}/revoke`, { reason: 'compromised' });
      expect(kindOf(await post(person.subject, { verificationId: recent }))).toEqual([403, 'step-up-required']);
    });

    it('leaves an enrollment that is open as it is, when it is refused', async () => {
      const { subject } = await enrolled();
      const open = await begin(subject, { stepUp: { reason: 'a second phone' } });
      expect(kindOf(await post(subject))).toEqual([403, 'step-up-required']);
      expect(await statusOf(open)).toBe('created');
    });

    it('is told to its owner’s channels, as the first one is', async () => {
      const { subject } = await enrolled();
      const link = await begin(subject, { stepUp: { reason: 'a second phone' } });
      const claimed = (await claim(link)).json<ClaimedEnrollment>();
      const { factorId } = (await confirm(claimed)).json();
      const added = (await eventsOf(subject)).filter(([type]) => type === 'factor.added');
      expect(added.map(([, { otherFactors }]) => otherFactors)).toEqual([0, 1]);
      expect(added.at(-1)?.[1]).toMatchObject({ factorId, factorType: 'totp', enrollmentId: link.id });
    });
  });

  it('keeps the name of the app in the list of factors', async () => {
    const { subject, factorId } = await enrolled({ app: 'Aegis' });
    const list = async () => (await call('GET', `/v1/subjects/${subject}/factors`)).json().items;
    expect(await list()).toMatchObject([{ id: factorId, app: 'Aegis' }, { app: null }]);

    const person = await newSubject();
    const browser = new WizardBrowser(app, `/enroll/${slugOf(await begin(person))}`);
    await browser.open();
    await browser.submit('claim');
    const code = totp(secretIn(browser.otpauthUri ?? ''), platform.clock.now());
    await browser.submit('code', { code, app: 'Ente Auth' });
    const { items } = (await call('GET', `/v1/subjects/${person}/factors`)).json();
    expect(items).toMatchObject([{ app: 'Ente Auth' }, { app: null }]);
  });

  it('tells of a second claim who was refused, when the first was, and whether it may be the same visitor', async () => {
    const link = await begin(await newSubject());
    const phone = { 'user-agent': 'Mozilla/5.0 (Linux; Android 16)' };
    expect((await claim(link, undefined, phone)).statusCode).toBe(200);
    const claimedAt = platform.clock.now().toISOString();
    platform.clock.advance(5000);
    await claim(link, undefined, phone);
    await claim(link, undefined, { 'user-agent': 'curl/8' });
    const refused = (await eventsOf(link.subject)).filter(([type]) => type === 'enrollment.claim_refused');
    expect(refused.map(([, data]) => data)).toMatchObject([
      {
        claimedAt,
        ip: '127.0.0.0',
        sameVisitor: true,
        reason: 'claimed_before',
        at: platform.clock.now().toISOString(),
      },
      { claimedAt, ip: '127.0.0.0', sameVisitor: false, reason: 'claimed_before', codeId: link.codeId },
    ]);
  });

  describe('a code that is ended for itself', () => {
    const settle = async (): Promise<void> => {
      while ((await app.get(EndedLinks).end()) > 0);
    };

    it.each<[string, (id: string) => Promise<{ statusCode: number }>]>([
      ['revoked', (id) => call('POST', `/v1/codes/${id}/revoke`, { reason: 'incident' })],
      ['revoked in bulk', (id) => call('POST', '/v1/codes/bulk/revoke', { ids: [id], reason: 'incident' })],
      ['archived', (id) => call('DELETE', `/v1/codes/${id}`)],
    ])('ends its enrollment and is dead at once: %s', async (how, end) => {
      const link = await begin(await newSubject());
      expect((await end(link.codeId)).statusCode).toBeLessThan(300);
      const refused = await claim(link);
      expect([410, 404]).toContain(refused.statusCode);
      await settle();
      expect(await statusOf(link)).toBe('revoked');
      const ended = (await auditOf(link.subject)).find(({ action }) => action === 'enrollment.end');
      const reason = how === 'archived' ? 'code_revoked' : 'incident';
      expect(ended).toMatchObject({ result: 'revoked', reason, actor: expect.stringMatching(/^key:/) });
      const events = (await eventsOf(link.subject)).map(([type]) => type);
      expect(events).toEqual(['enrollment.created', 'enrollment.revoked']);
    });

    it('ends an enrollment that was claimed and not confirmed, and no factor', async () => {
      const [open, active] = [await begin(await newSubject()), await begin(await newSubject())];
      const claimed = (await claim(open)).json<ClaimedEnrollment>();
      await confirm((await claim(active)).json<ClaimedEnrollment>());
      for (const { codeId } of [open, active]) await call('POST', `/v1/codes/${codeId}/revoke`, { reason: 'incident' });
      await settle();
      expect([await statusOf(open), await statusOf(active)]).toEqual(['revoked', 'active']);
      expect(kindOf(await confirm(claimed))).toEqual([410, 'enrollment-failed']);
    });

    it('leaves nothing behind when it was its enrollment that ended', async () => {
      const link = await begin(await newSubject());
      await call('POST', `/v1/enrollments/${link.id}/revoke`, { reason: 'x' });
      await settle();
      expect(await platform.dataSource.query('SELECT code_id FROM codes.ended_secret_codes')).toEqual([]);
      expect((await eventsOf(link.subject)).map(([type]) => type)).toEqual([
        'enrollment.created',
        'enrollment.revoked',
      ]);
    });
  });

  it('has written no PIN into a table, an event or a log line', async () => {
    const written = [...service.logged];
    const tables: { name: string }[] = await platform.dataSource.query(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    for (const { name } of tables) {
      const rows: { row: string }[] = await platform.dataSource.query(`SELECT t::text AS row FROM ${name} t`);
      written.push(...rows.map(({ row }) => row));
    }
    expect(pins.size).toBeGreaterThan(5);
    const text = written.join('\n');
    expect([...pins].filter((pin) => new RegExp(`(?<![\\da-f])${pin}(?![\\da-f])`).test(text))).toEqual([]);
  });
});
