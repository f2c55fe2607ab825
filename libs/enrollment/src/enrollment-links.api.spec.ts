import { EnrollmentEventSchema } from '@signet/contracts';
import { RedirectModule } from '@signet/redirect';
import { scansMigrations } from '@signet/scans';
import { totp, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EnrollmentDeadlines } from './enrollment-deadlines.js';
import { EnrollmentApp, slugOf, type LinkEnrollment } from './enrollment-app.fixture.js';
import { decodeQrSvg, secretIn, WizardBrowser } from './enrollment.fixture.js';
import type { ClaimedEnrollment } from './enrollment.js';

const STEP = 30_000;
const MINUTE = 60_000;

describe('an enrollment by link', () => {
  let service: EnrollmentApp;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let call: EnrollmentApp['call'];
  let newSubject: EnrollmentApp['newSubject'];
  /** Everything that must never be written down. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    service = await EnrollmentApp.open('2026-11-25T12:00:05Z', {
      migrations: scansMigrations,
      modules: [RedirectModule],
      settings: { SIGNET_CLAIMS_PER_MINUTE: '1000' },
    });
    ({ platform, app, call, newSubject } = service);
  });
  afterAll(() => service.close());

  const begin = async (subject: string, more: object = {}): Promise<LinkEnrollment> => {
    const answer = await call('POST', '/v1/enrollments', { subject, delivery: 'link', ...more });
    expect(answer.statusCode).toBe(201);
    secrets.add(slugOf(answer.json()));
    return answer.json();
  };
  const browse = (link: LinkEnrollment, headers?: Record<string, string>) =>
    new WizardBrowser(app, `/enroll/${slugOf(link)}`, headers);
  const claim = (link: LinkEnrollment) => call('POST', '/v1/enrollments/claim', { token: slugOf(link) }, {});
  const now = (): Date => platform.clock.now();
  const codeNow = (uri: string | undefined, steps = 0): string => {
    if (uri === undefined) throw new Error('no secret is shown');
    secrets.add(secretIn(uri));
    return totp(secretIn(uri), new Date(now().getTime() + steps * STEP));
  };
  const wrongCode = (uri: string): string =>
    ['000000', '111111', '222222', '333333'].find(
      (code) => ![-1, 0, 1].some((steps) => codeNow(uri, steps) === code),
    ) ?? '444444';
  const claimed = async (link: LinkEnrollment): Promise<{ browser: WizardBrowser; uri: string }> => {
    const browser = browse(link);
    await browser.open();
    await browser.submit('claim');
    const uri = browser.otpauthUri;
    if (uri === undefined) throw new Error('no secret is shown');
    secrets.add(secretIn(uri)).add(browser.cookie?.split('=')[1] ?? 'none');
    return { browser, uri };
  };
  const statusOf = async ({ id }: { id: string }) => (await call('GET', `/v1/enrollments/${id}`)).json().status;
  const kindOf = (answer: { statusCode: number; json(): { type: string } }) => [
    answer.statusCode,
    answer.json().type.replace('urn:signet:problem:', ''),
  ];
  const eventsOf = async (subject: string): Promise<string[]> => {
    const rows: { type: string; data: unknown }[] = await platform.dataSource.query(
      `SELECT type, payload AS data FROM outbox.events
       WHERE aggregatetype = 'signet.enrollments.v1' AND payload->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    for (const { data } of rows) EnrollmentEventSchema.shape.data.parse(data);
    return rows.map(({ type }) => type);
  };
  const auditOf = async (
    subject: string,
  ): Promise<{ action: string; result?: string; reason?: string; ip?: string }[]> => {
    const rows: { record: { action: string } }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ record }) => record);
  };
  const verify = async (subject: string, code: string, factor = 'totp') =>
    (await call('POST', '/v1/verifications', { subject, factor, code })).json();

  it('is a single-use code of its own kind, whose link and QR code are shown once', async () => {
    const subject = await newSubject();
    const created = await begin(subject, { purpose: 'VPN from 1 December' });
    expect(created).toMatchObject({
      delivery: 'link',
      status: 'created',
      purpose: 'VPN from 1 December',
      claimedAt: null,
      factorId: null,
      expiresAt: new Date(now().getTime() + 10 * MINUTE).toISOString(),
      claimUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8080\/[1-9A-HJ-NP-Za-km-z]{22}$/),
      warnings: [],
    });
    expect(await decodeQrSvg(created.qrSvg)).toBe(created.claimUrl);
    const { claimUrl: _url, qrSvg: _svg, warnings: _warnings, ...shown } = created;
    expect((await call('GET', `/v1/enrollments/${created.id}`)).json()).toEqual(shown);
    const code = (await call('GET', `/v1/codes/${created.codeId}`)).json();
    expect(code).toMatchObject({ kind: 'enrollment', slug: null, shortUrl: null, maxScans: 1, status: 'active' });
    expect(kindOf(await call('GET', `/v1/codes/${created.codeId}/qr`))).toEqual([410, 'qr-not-shown-again']);
    const editing = await call('POST', `/v1/codes/${created.codeId}/reissue`, { reason: 'x' });
    expect(kindOf(editing)).toEqual([409, 'code-not-editable']);
  });

  it('leads a person from who asks to saved recovery codes, without script', async () => {
    const subject = await newSubject({ email: 'anna@example.com' });
    const link = await begin(subject, { purpose: 'VPN from 1 December' });
    const browser = browse(link);
    await browser.open(`/${slugOf(link)}`);
    expect(browser.title).toBe('Set up your second step');
    expect(browser.page.html).toContain('Signet asks you to add a second step');
    expect(browser.page.html).toContain('a…@example.com');
    expect(browser.page.html).toContain('VPN from 1 December');
    expect(await statusOf(link)).toBe('opened');

    await browser.submit('claim');
    const uri = browser.otpauthUri;
    expect(browser.title).toBe('Add the account to your app');
    const [, svg = ''] = /aria-label="[^"]*">(<svg[^]*?<\/svg>)/.exec(browser.page.html) ?? [];
    expect(await decodeQrSvg(svg)).toBe(uri);
    expect(browser.page.html.replaceAll(' ', '')).toContain(secretIn(uri ?? ''));
    expect(Buffer.byteLength(browser.page.html)).toBeLessThan(30_000);

    await browser.submit('code', { code: codeNow(uri).replace(/^.../, '$& ') });
    expect(browser.title).toBe('Save your recovery codes');
    const { recoveryCodes } = browser;
    for (const code of recoveryCodes) secrets.add(code);
    expect(new Set(recoveryCodes).size).toBe(10);

    await browser.submit('finish');
    expect(browser.page.status).toBe(422);
    expect(browser.page.html).toContain('Save the codes first');
    await browser.submit('finish', { saved: 'yes' });
    expect(browser.title).toBe('All set');
    expect((await browser.open()).html).toContain('All set');

    expect(await statusOf(link)).toBe('active');
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(uri))).toMatchObject({ result: 'accepted' });
    expect(await verify(subject, recoveryCodes[3] ?? '', 'recovery')).toMatchObject({ result: 'accepted' });
    expect(await eventsOf(subject)).toEqual([
      'enrollment.created',
      'enrollment.claimed',
      'enrollment.confirmed',
      'factor.added',
    ]);
    const actions = (await auditOf(subject)).map(({ action }) => action);
    expect(actions).toEqual(
      expect.arrayContaining(['enrollment.claim', 'enrollment.confirm', 'recovery-codes.acknowledge']),
    );
  });

  it('speaks the language of the browser and keeps its pages to itself', async () => {
    const browser = browse(await begin(await newSubject()), { 'accept-language': 'de-AT,de;q=0.9' });
    const { headers } = await browser.open();
    expect(browser.title).toBe('Zweiten Schritt einrichten');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-language': 'de',
      'content-security-policy': expect.stringContaining("form-action 'self'"),
    });
  });

  it('binds the claim to its browser: a cookie for this address alone, of which only the hash is stored', async () => {
    const link = await begin(await newSubject());
    const browser = browse(link);
    await browser.open();
    const form = new URLSearchParams(browser.formOf('claim')).toString();
    const answer = await app.inject({
      method: 'POST',
      url: `/enroll/${slugOf(link)}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: form,
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([303, `/enroll/${slugOf(link)}`]);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toContain(`; Path=/enroll/${slugOf(link)}`);
    expect(cookie).toMatch(/^signet-enrollment=[\w-]{43};.*HttpOnly.*SameSite=Lax/);
    const [row] = await platform.dataSource.query(
      'SELECT claim_token_hash AS hash FROM enrollment.enrollments WHERE id = $1',
      [link.id],
    );
    expect(row.hash).toHaveLength(32);

    const stranger = browse(link);
    expect((await stranger.open()).status).toBe(410);
    expect(stranger.title).toBe('This code has been used already');
    expect(stranger.page.html).not.toMatch(/otpauth:|aria-label="QR/);
  });

  it('goes on after a refresh, and after the code was scanned once more, without showing the secret again', async () => {
    const link = await begin(await newSubject());
    const { browser, uri } = await claimed(link);
    for (const path of [`/enroll/${slugOf(link)}`, `/${slugOf(link)}`]) {
      await browser.open(path);
      expect([browser.page.status, browser.title, browser.otpauthUri]).toEqual([
        200,
        'Enter the code from your app',
        undefined,
      ]);
    }
    await browser.submit('code', { code: codeNow(uri) });
    expect(browser.title).toBe('Save your recovery codes');
  });

  it('makes a screenshot of a claimed link and of a replaced QR code worthless', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    const screenshotOfLink = await decodeQrSvg(link.qrSvg);
    const { browser, uri: screenshot } = await claimed(link);
    expect(
      kindOf(await call('POST', '/v1/enrollments/claim', { token: screenshotOfLink.split('/').at(-1) }, {})),
    ).toEqual([410, 'code-exhausted']);

    await browser.open();
    await browser.submit('renew');
    const { otpauthUri: renewed } = browser;
    expect(secretIn(renewed ?? '')).not.toBe(secretIn(screenshot));
    await browser.open();
    await browser.submit('code', { code: codeNow(screenshot) });
    expect([browser.page.status, browser.page.html.includes('This is not the code that we expected')]).toEqual([
      422,
      true,
    ]);
    await browser.submit('code', { code: codeNow(renewed) });
    expect(browser.title).toBe('Save your recovery codes');
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(screenshot))).toMatchObject({ result: 'rejected', reason: 'invalid_code' });
    expect(await verify(subject, codeNow(renewed))).toMatchObject({ result: 'accepted' });
  });

  it('lets one of many claims at once succeed, and tells of each of the others', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    const answers = await Promise.all(Array.from({ length: 10 }, () => claim(link)));
    const statuses = answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 410)]);
    const events = await eventsOf(subject);
    expect(events.filter((type) => type === 'enrollment.claimed')).toHaveLength(1);
    expect(events.filter((type) => type === 'enrollment.claim_refused')).toHaveLength(9);
    const claims = (await auditOf(subject)).filter(({ action }) => action === 'enrollment.claim');
    expect(claims.filter(({ result }) => result === 'accepted')).toHaveLength(1);
    expect(claims.filter(({ result, reason }) => result === 'rejected' && reason === 'claimed_before')).toHaveLength(9);
    expect(claims.every(({ ip }) => ip === '127.0.0.1')).toBe(true);
    const winner = answers.find(({ statusCode }) => statusCode === 200)?.json<ClaimedEnrollment>();
    const { claimToken = '', otpauthUri, enrollmentId } = winner ?? {};
    secrets.add(claimToken);
    const code = codeNow(otpauthUri);
    const confirm = () => call('POST', `/v1/enrollments/${enrollmentId}/confirm`, { code, claimToken }, {});
    const confirmed = await Promise.all([confirm(), confirm()]);
    expect(confirmed.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 410]);
    for (const recoveryCode of confirmed.flatMap((answer) => answer.json().recoveryCodes ?? []))
      secrets.add(recoveryCode);
    const shown = (await call('GET', `/v1/codes/${link.codeId}`)).json();
    expect(shown).toMatchObject({ status: 'exhausted', scansUsed: 1 });
  });

  it('lets whoever finds their link used say so', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    expect((await claim(link)).statusCode).toBe(200);
    const owner = browse(link);
    await owner.open();
    await owner.submit('claim');
    expect([owner.page.status, owner.title]).toEqual([410, 'This code has been used already']);
    expect(owner.page.html).toContain('The issuer has been told.');
    expect(await eventsOf(subject)).toEqual(['enrollment.created', 'enrollment.claimed', 'enrollment.claim_refused']);
  });

  it('claims nothing by looking, and shows programs that look ahead no secret', async () => {
    const link = await begin(await newSubject());
    const preview = { 'user-agent': 'WhatsApp/2.23' };
    await browse(link, preview).open();
    expect((await app.inject({ method: 'HEAD', url: `/enroll/${slugOf(link)}` })).statusCode).toBe(200);
    expect(await statusOf(link)).toBe('created');
    const claimedLink = await begin(await newSubject());
    const { browser } = await claimed(claimedLink);
    await browser.open();
    const [cookie = '', url] = [browser.cookie, `/enroll/${slugOf(claimedLink)}`];
    const payload = new URLSearchParams(browser.formOf('renew')).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await app.inject({ method: 'POST', url, headers: { ...type, cookie }, payload })).statusCode).toBe(303);
    const ahead = await app.inject({ method: 'GET', url, headers: { cookie, 'sec-purpose': 'prefetch' } });
    expect([ahead.statusCode, ahead.body.includes('otpauth:')]).toEqual([200, false]);
    expect((await browser.open()).html).toContain('otpauth:');
  });

  it('ends with the fifth wrong code, whatever the secret was by then', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    const { browser, uri } = await claimed(link);
    await browser.submit('code', { code: wrongCode(uri) });
    expect(browser.page.html).toContain('4 tries are left.');
    await browser.submit('code', { code: 'abc' });
    expect(browser.page.html).toContain('4 tries are left.');
    await browser.submit('renew');
    const renewed = browser.otpauthUri ?? '';
    for (const left of [3, 2, 1]) {
      await browser.submit('code', { code: wrongCode(renewed) });
      expect(browser.page.html).toContain(left === 1 ? '1 try is left.' : `${left} tries are left.`);
    }
    await browser.submit('code', { code: wrongCode(renewed) });
    expect([browser.page.status, browser.title]).toEqual([410, 'Too many wrong codes']);
    expect(await statusOf(link)).toBe('failed');
  });

  it('names the clock of the phone when that is wrong', async () => {
    const { browser, uri } = await claimed(await begin(await newSubject()));
    await browser.submit('code', { code: codeNow(uri, 3) });
    expect(browser.page.html).toContain('Your phone’s clock is about 90 s fast.');
    await browser.submit('code', { code: codeNow(uri, -4) });
    expect(browser.page.html).toContain('Your phone’s clock is about 120 s slow.');
  });

  it('takes forms of its own pages only', async () => {
    const { browser, uri } = await claimed(await begin(await newSubject()));
    const form = browser.formOf('code');
    const code = codeNow(uri);
    const foreign = { origin: 'https://evil.example' };
    expect((await browser.post({ ...form, code }, foreign)).status).toBe(403);
    expect((await browser.post({ ...form, code }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await browser.post({ step: 'code', formToken: 'guessed', code })).status).toBe(422);
    expect((await browser.post({ ...form, code, more: 'x' })).status).toBe(422);
    expect((await browser.post({ ...form, code }, { host: 'go.example', origin: 'https://go.example' })).status).toBe(
      200,
    );
    expect(browser.title).toBe('Save your recovery codes');
  });

  it('gives new recovery codes to whoever lost sight of the first, until they say that they have them', async () => {
    const subject = await newSubject();
    const { browser, uri } = await claimed(await begin(subject));
    await browser.submit('code', { code: codeNow(uri) });
    const first = browser.recoveryCodes;
    await browser.open();
    expect(browser.recoveryCodes).toEqual([]);
    await browser.submit('recovery-codes');
    const second = browser.recoveryCodes;
    const stale = browser.formOf('finish');
    for (const code of [...first, ...second]) secrets.add(code);
    expect(second).toHaveLength(10);
    expect(await verify(subject, first[0] ?? '', 'recovery')).toMatchObject({ reason: 'invalid_code' });
    await browser.submit('finish', { saved: 'yes' });
    await browser.post({ ...stale, step: 'recovery-codes' });
    expect([browser.title, browser.recoveryCodes]).toEqual(['All set', []]);
    expect(await verify(subject, second[0] ?? '', 'recovery')).toMatchObject({ result: 'accepted' });
  });

  it('expires without anybody asking, before the claim and after it', async () => {
    const [waiting, taken] = [await newSubject(), await newSubject()];
    const unclaimed = await begin(waiting);
    const { browser } = await claimed(await begin(taken));
    platform.clock.advance(10 * MINUTE);
    while ((await app.get(EnrollmentDeadlines).tell()) > 0);
    expect(await eventsOf(waiting)).toEqual(['enrollment.created', 'enrollment.expired']);
    expect(await eventsOf(taken)).toEqual(['enrollment.created', 'enrollment.claimed', 'enrollment.expired']);
    const kept = await platform.dataSource.query(
      `SELECT f.id FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE s.subject = $1 AND f.secret IS NOT NULL`,
      [taken],
    );
    expect(kept).toEqual([]);
    await browser.open();
    expect([browser.page.status, browser.title]).toEqual([410, 'The time is up']);
    const late = browse(unclaimed);
    await late.open();
    expect([late.page.status, late.title]).toEqual([410, 'This code has expired']);
    expect(kindOf(await claim(unclaimed))).toEqual([410, 'code-expired']);
  });

  it('reminds once of a link that nobody has claimed, when half of its time is over', async () => {
    const subject = await newSubject();
    const link = await begin(subject, { expiresInSeconds: 7200 });
    expect(link.warnings).toEqual(['The link lives for 7200 s; NIST SP 800-63B-4 §4.1.2.2 allows 600']);
    platform.clock.advance(60 * MINUTE);
    while ((await app.get(EnrollmentDeadlines).tell()) > 0);
    await app.get(EnrollmentDeadlines).tell();
    expect(await eventsOf(subject)).toEqual(['enrollment.created', 'enrollment.reminder']);
    expect((await claim(link)).statusCode).toBe(200);
    const { expiresAt, claimedAt } = (await call('GET', `/v1/enrollments/${link.id}`)).json();
    expect(Date.parse(expiresAt) - Date.parse(claimedAt)).toBe(10 * MINUTE);
  });

  it('is dead when its revocation returns, wherever it was', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    const revoke = (id: string) =>
      call('POST', `/v1/enrollments/${id}/revoke`, { reason: 'sent to the wrong address' });
    expect((await revoke(link.id)).json()).toMatchObject({ status: 'revoked' });
    expect(kindOf(await claim(link))).toEqual([410, 'code-revoked']);
    expect((await app.inject({ method: 'GET', url: `/${slugOf(link)}` })).statusCode).toBe(410);
    expect((await call('GET', `/v1/codes/${link.codeId}`)).json()).toMatchObject({
      status: 'revoked',
      revokedReason: 'sent to the wrong address',
    });
    const { browser, uri } = await claimed(await begin(subject));
    const { id } = (await call('GET', `/v1/enrollments?subject=${subject}&status=claimed`)).json().items[0];
    await revoke(id);
    await browser.submit('code', { code: codeNow(uri) });
    expect([browser.page.status, browser.title]).toEqual([410, 'This code has been revoked']);
  });

  it('stops with its own code, when that is revoked', async () => {
    const link = await begin(await newSubject());
    await call('POST', `/v1/codes/${link.codeId}/revoke`, { reason: 'incident' });
    expect((await browse(link).open()).status).toBe(410);
    expect(kindOf(await claim(link))).toEqual([410, 'code-revoked']);
  });

  it('is reissued: the old link is dead at once, and the new one works', async () => {
    const subject = await newSubject();
    const old = await begin(subject, { purpose: 'new phone' });
    const answer = await call('POST', `/v1/enrollments/${old.id}/reissue`, { reason: 'lost the paper' });
    expect(answer.statusCode).toBe(201);
    const next: LinkEnrollment = answer.json();
    secrets.add(slugOf(next));
    expect(next).toMatchObject({ subject, delivery: 'link', purpose: 'new phone', status: 'created' });
    const dead = browse(old);
    await dead.open();
    expect([dead.page.status, dead.title]).toEqual([410, 'There is a newer code']);
    expect(kindOf(await claim(old))).toEqual([410, 'code-revoked']);
    const { browser, uri } = await claimed(next);
    await browser.submit('code', { code: codeNow(uri) });
    for (const code of browser.recoveryCodes) secrets.add(code);
    for (const what of ['revoke', 'reissue'])
      expect(kindOf(await call('POST', `/v1/enrollments/${next.id}/${what}`, { reason: 'x' }))).toEqual([
        409,
        'enrollment-active',
      ]);

    const { factorId } = (await call('GET', `/v1/enrollments/${next.id}`)).json();
    const replaced = await call('POST', `/v1/factors/${factorId}/reissue`, { reason: 'device-lost' });
    expect([replaced.statusCode, replaced.json().delivery]).toEqual([201, 'link']);
    secrets.add(slugOf(replaced.json()));
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(uri))).toMatchObject({ result: 'rejected', reason: 'revoked' });
  });

  it('ends with its subject, and its code is counted', async () => {
    const subject = await newSubject();
    const link = await begin(subject);
    const answer = await call('POST', `/v1/subjects/${subject}/offboard`, { reason: 'left' });
    expect(answer.json()).toMatchObject({ enrollmentsRevoked: 1, codesRevoked: 1, propagation: 'effective' });
    expect(kindOf(await claim(link))).toEqual([410, 'code-revoked']);
  });

  it('waits while QR enrollment is off', async () => {
    const link = await begin(await newSubject());
    const put = (enabled: boolean) =>
      call('PUT', '/v1/settings/enrollment', { enabled, issuer: 'Signet', ticketTtlSeconds: 600 });
    await put(false);
    expect(kindOf(await claim(link))).toEqual([403, 'enrollment-disabled']);
    const browser = browse(link);
    await browser.open();
    expect([browser.page.status, browser.title]).toEqual([403, 'Setting up is switched off']);
    await put(true);
    expect((await claim(link)).statusCode).toBe(200);
  });

  it('gives the same Idempotency-Key the same link until it is claimed, and then no more', async () => {
    const subject = await newSubject();
    const headers = { authorization: `Bearer ${service.admin}`, 'idempotency-key': 'link-once' };
    const post = () => call('POST', '/v1/enrollments', { subject, delivery: 'link' }, headers);
    const [first, second] = [await post(), await post()];
    expect(second.body).toBe(first.body);
    secrets.add(slugOf(first.json()));
    expect((await claim(first.json())).statusCode).toBe(200);
    expect(kindOf(await post())).toEqual([410, 'enrollment-failed']);
  });

  it('knows nothing of other slugs', async () => {
    expect(kindOf(await call('POST', '/v1/enrollments/claim', { token: 'nobody-has-this-one-22' }, {}))).toEqual([
      404,
      'code-unknown',
    ]);
    expect((await app.inject({ method: 'GET', url: '/enroll/nobody-has-this-one-22' })).statusCode).toBe(404);
  });

  it('is listed, the newest first, in pages', async () => {
    const subject = await newSubject();
    const ids = [];
    for (let count = 0; count < 3; count++) ids.unshift((await begin(subject)).id);
    const first = (await call('GET', `/v1/enrollments?subject=${subject}&limit=2`)).json();
    const rest = (await call('GET', `/v1/enrollments?subject=${subject}&limit=2&cursor=${first.nextCursor}`)).json();
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    expect(rest.nextCursor).toBeNull();
    const superseded = (await call('GET', `/v1/enrollments?subject=${subject}&status=superseded`)).json();
    expect(superseded.items).toHaveLength(2);
  });

  it('has written no slug, secret, token or code into a table, an event or a log line', async () => {
    const written = [...service.logged];
    const tables: { name: string }[] = await platform.dataSource.query(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    for (const { name } of tables) {
      const rows: { row: string }[] = await platform.dataSource.query(`SELECT t::text AS row FROM ${name} t`);
      written.push(...rows.map(({ row }) => row));
    }
    expect(secrets.size).toBeGreaterThan(50);
    expect(service.logged.length).toBeGreaterThan(50);
    const text = written.join('\n');
    expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
  });
});
