import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { AccessService } from '@signet/access';
import { AuditCheckpoints, AuditRetention } from '@signet/audit';
import { loadConfig, startService, type RunningService } from '@signet/platform';
import { verifyAuditFile } from './audit-verify.command.js';
import { withMasterKeys } from './master-keys.js';
import { signetService } from './signet.service.js';

const page = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8');
const [, verifier = ''] = /```python\n([^]*?)```/.exec(page) ?? [];

const hasPython = spawnSync('python3', ['--version']).status === 0;
const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const title = 'the verifier of docs/audit.md';
const describeWithPython = hasPython || isRequired ? describe : describe.skip;

describeWithPython(hasPython || isRequired ? title : `${title} (skipped: python3 is not on this machine)`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-audit-document-'));
  const script = join(directory, 'verify.py');
  const checkpoints = join(directory, 'data', 'audit-checkpoints.ndjson');
  const jwks = join(directory, 'jwks.json');
  let running: RunningService;
  let readLines: () => Promise<string[]>;
  let lines: string[];
  let head: { entries: number; head: string };

  beforeAll(async () => {
    writeFileSync(script, verifier);
    const config = loadConfig({ PORT: '0', SIGNET_DATA_DIR: join(directory, 'data'), SIGNET_LOG_LEVEL: 'silent' });
    running = await startService(withMasterKeys(config), signetService, (error) => {
      throw error;
    });
    const key = await running.app.get(AccessService, { strict: false }).bootstrap();
    const call = (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) =>
      running.app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
    // Names that canonical JSON must neither escape nor sort by bytes.
    for (const subject of ['anna', 'Zoë "Z" \\ Ångström', '山田 太郎', '🦊']) {
      await call('PUT', `/v1/subjects/${encodeURIComponent(subject)}`, {});
      await call('POST', '/v1/verifications', {
        subject,
        factor: 'totp',
        code: '000000',
        context: { ip: '2001:db8::1' },
      });
    }
    readLines = async () => (await call('GET', '/v1/audit/export')).body.trimEnd().split('\n');
    lines = await readLines();
    head = (await call('GET', '/v1/audit/verify')).json();
    await running.app.get(AuditCheckpoints, { strict: false }).signDue();
    writeFileSync(jwks, (await call('GET', '/.well-known/jwks.json')).body);
  });
  afterAll(async () => {
    await running?.stop();
    rmSync(directory, { recursive: true });
  });

  /** @returns what the script says of an export, and how it ends */
  const verify = (exported: readonly string[]): { status: number | null; said: string } => {
    const file = join(directory, 'audit.ndjson');
    writeFileSync(file, exported.map((line) => `${line}\n`).join(''));
    const { status, stdout, stderr } = spawnSync('python3', [script, file], { encoding: 'utf8' });
    return { status, said: (stdout + stderr).trim() };
  };

  it('is about thirty lines, and runs', () => {
    expect(verifier.trimEnd().split('\n').length).toBeLessThanOrEqual(32);
    expect(execFileSync('python3', ['-m', 'py_compile', script], { encoding: 'utf8' })).toBe('');
  });

  it('comes to the head that the API tells', () => {
    expect(lines.length).toBeGreaterThan(8);
    expect(verify(lines)).toEqual({ status: 0, said: `ok: ${head.entries} entries, head ${head.head}` });
  });

  it('finds an altered, a removed and two exchanged entries', () => {
    const altered = lines.with(2, (lines[2] ?? '').replace('"result":"rejected"', '"result":"accepted"'));
    const removed = lines.toSpliced(4, 1);
    const exchanged = lines.with(5, lines[6] ?? '').with(6, lines[5] ?? '');
    expect(altered).not.toEqual(lines);
    expect([altered, removed, exchanged].map(verify)).toEqual([
      { status: 1, said: 'entry 3 does not add up' },
      { status: 1, said: 'entry 5 does not add up' },
      { status: 1, said: 'entry 6 does not add up' },
    ]);
  });

  describe('signet audit verify', () => {
    /** @returns what the command says of an export, and its exit code */
    const run = async (exported: readonly string[], proof: Parameters<typeof verifyAuditFile>[1] = {}) => {
      const file = join(directory, 'cli.ndjson');
      writeFileSync(file, exported.map((line) => `${line}\n`).join(''));
      const said: string[] = [];
      const outputs = [process.stdout, process.stderr].map((stream) =>
        jest.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0),
      );
      try {
        await verifyAuditFile(file, proof);
        return { status: process.exitCode ?? 0, said: said.join('').trim() };
      } finally {
        for (const output of outputs) output.mockRestore();
        process.exitCode = undefined;
      }
    };

    it('comes to the same head, with the checkpoints that it is given', async () => {
      const said = `ok: ${head.entries} entries, head ${head.head}, 1 signed checkpoints`;
      expect(await run(lines, { checkpoints, jwks })).toEqual({ status: 0, said });
      expect((await run(lines)).said).toContain('Without checkpoints');
    });

    it('finds an altered row, a cut tail and another order, and says what it cannot read', async () => {
      const altered = lines.with(2, (lines[2] ?? '').replace('"result":"rejected"', '"result":"accepted"'));
      expect(await run(altered)).toEqual({ status: 1, said: 'broken at entry 3: entry 3 was altered' });
      const cut = await run(lines.slice(0, -1), { checkpoints, jwks });
      expect(cut).toEqual({ status: 1, said: expect.stringMatching(/^broken at entry \d+: the log ends at entry/) });
      const exchanged = lines.with(5, lines[6] ?? '').with(6, lines[5] ?? '');
      expect(await run(exchanged)).toEqual({ status: 1, said: 'broken at entry 6: entry 6 is missing' });
      expect((await run(lines, { checkpoints })).status).toBe(2);
    });

    it('follows a log from where it was cut, as the script does, and finds one that lost its beginning', async () => {
      const inTwoDays = new Date(Date.now() + 2 * 86_400_000);
      await running.app.get(AuditRetention, { strict: false }).cutBefore(inTwoDays);
      const left = await readLines();
      const { seq, hash }: { seq: number; hash: string } = JSON.parse(left.at(-1) ?? '');
      expect(left.length).toBeLessThan(lines.length);
      expect(verify(left)).toEqual({ status: 0, said: `ok: ${seq} entries, head ${hash}` });
      const said = `ok: ${seq} entries, cut after entry ${seq - left.length}, head ${hash}, 1 signed checkpoints`;
      expect(await run(left, { checkpoints, jwks })).toEqual({ status: 0, said });

      const lost = lines.slice(3);
      expect(verify(lost)).toEqual({ status: 1, said: 'entries up to 3 are missing, and no cut says so' });
      expect((await run(lost)).said).toContain('the log begins after entry 3, and none says that it was cut');
      expect((await run(lost, { checkpoints, jwks })).said).toContain('and no signed checkpoint is of that one');
    });
  });
});
