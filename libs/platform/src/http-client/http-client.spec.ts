import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { HttpClient } from './http-client.js';
import { OutgoingError } from './outgoing-error.js';

/** Linux answers on all of 127/8: one address plays the Internet, the other one the inside. */
const OUTSIDE = '127.0.0.2';
const INSIDE = '127.0.0.1';

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

async function listen(server: Server, host: string, port = 0): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
const serve = (answer: RequestListener, host = OUTSIDE, port = 0): Promise<number> =>
  listen(createServer(answer), host, port);

const failure = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'none';
  } catch (error) {
    return error instanceof OutgoingError ? error.reason : String(error);
  }
};

const client = new HttpClient({ allows: (address) => address === OUTSIDE, resolve: async () => [OUTSIDE] });

describe('HttpClient', () => {
  it('brings the answer with as much of the body as was asked for', async () => {
    const port = await serve((request, answer) => {
      answer.writeHead(201, { 'x-saw': `${request.method} ${request.url} ${request.headers.host}` });
      request.on('data', (chunk: Buffer) => answer.write(chunk)).on('end', () => answer.end());
    });
    const url = `http://shop.example:${port}/a?b=1#c`;
    expect(await client.send({ url, method: 'POST', body: 'hello', maxBytes: 100 })).toMatchObject({
      status: 201,
      headers: { 'x-saw': `POST /a?b=1 shop.example:${port}` },
      body: Buffer.from('hello'),
      truncated: false,
      address: OUTSIDE,
    });
    const short = await client.send({ url, method: 'POST', body: 'hello', maxBytes: 4 });
    expect([short.body.toString(), short.truncated]).toEqual(['hell', true]);
    expect((await client.send({ url, method: 'POST', body: 'hello' })).body).toHaveLength(0);
  });

  it('follows no redirect', async () => {
    const port = await serve((_request, answer) => answer.writeHead(302, { location: `http://${INSIDE}/` }).end());
    const { status, headers } = await client.send({ url: `http://shop.example:${port}/` });
    expect([status, headers.location]).toEqual([302, `http://${INSIDE}/`]);
  });

  it.each([
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '127。0。0。1',
    '0',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '169.254.169.254',
    '[fd00:ec2::254]',
  ])('reaches nothing inside by writing its address as %s', async (host) => {
    expect(await failure(new HttpClient().send({ url: `http://${host}:1/` }))).toBe('address-refused');
  });

  it('reaches nothing inside by its name', async () => {
    expect(await failure(new HttpClient().send({ url: 'http://localhost:1/' }))).toBe('address-refused');
    const metadata = new HttpClient({ resolve: async () => ['169.254.169.254', 'fd00:ec2::254'] });
    expect(await failure(metadata.send({ url: 'https://metadata.example/' }))).toBe('address-refused');
  });

  it('is not led inside by a name that resolves to something else the next moment', async () => {
    let insideHits = 0;
    const port = await serve((_request, answer) => answer.end('outside'));
    await serve(
      (_request, answer) => {
        insideHits += 1;
        answer.end('inside');
      },
      INSIDE,
      port,
    );
    let lookUps = 0;
    const rebinding = new HttpClient({
      allows: (address) => address === OUTSIDE,
      resolve: async () => [(lookUps += 1) % 2 === 1 ? OUTSIDE : INSIDE],
    });
    const url = `http://rebinding.example:${port}/`;
    const first = await rebinding.send({ url, maxBytes: 100 });
    expect([first.body.toString(), lookUps]).toEqual(['outside', 1]);
    expect(await failure(rebinding.send({ url, maxBytes: 100 }))).toBe('address-refused');
    expect([lookUps, insideHits]).toEqual([2, 0]);
  });

  it('uses only the allowed ones of several addresses', async () => {
    const port = await serve((_request, answer) => answer.end());
    const mixed = new HttpClient({ allows: (address) => address === OUTSIDE, resolve: async () => [INSIDE, OUTSIDE] });
    expect(await mixed.send({ url: `http://mixed.example:${port}/` })).toMatchObject({ address: OUTSIDE });
  });

  it('reaches the inside where the installation allows it', async () => {
    const port = await serve((_request, answer) => answer.end(), INSIDE);
    const intranet = new HttpClient({ allowPrivate: true });
    expect(await intranet.send({ url: `http://${INSIDE}:${port}/` })).toMatchObject({ status: 200 });
  });

  it.each(['ftp://example.org/', 'file:///etc/passwd', 'http://user@example.org/', 'javascript:alert(1)', '/path', ''])(
    'calls no %s',
    async (url) => expect(await failure(client.send({ url }))).toBe('url-refused'),
  );

  it('gives up on a server that is silent, also in the middle of its body', async () => {
    const silent = await listen(
      createTcpServer((socket) => void socket.on('error', () => undefined)),
      OUTSIDE,
    );
    const send = (port: number): Promise<unknown> =>
      client.send({ url: `http://slow.example:${port}/`, timeoutMilliseconds: 100, maxBytes: 100 });
    expect(await failure(send(silent))).toBe('timeout');
    expect(await failure(send(await serve((_request, answer) => void answer.write('so far'))))).toBe('timeout');
    const nameless = new HttpClient({ resolve: () => new Promise(() => undefined) });
    expect(await failure(nameless.send({ url: 'http://slow.example/', timeoutMilliseconds: 50 }))).toBe('timeout');
  });

  it('tells a name that is none, a closed port and a server that speaks no HTTP apart', async () => {
    const nowhere = new HttpClient({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await failure(nowhere.send({ url: 'http://nowhere.example/' }))).toBe('name-not-found');
    expect(await failure(client.send({ url: 'http://closed.example:1/' }))).toBe('connection-failed');
    const port = await listen(
      createTcpServer((socket) => void socket.on('error', () => undefined).end('220 mail.example ESMTP\r\n')),
      OUTSIDE,
    );
    expect(await failure(client.send({ url: `http://mail.example:${port}/` }))).toBe('no-answer');
  });
});

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();

(hasOpenssl ? describe : describe.skip)('HttpClient over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-tls-'));
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') };
  const trusted = getCACertificates('default');
  let requests = 0;
  let port = 0;

  beforeAll(async () => {
    const subject = ['-subj', '/O=Test CA/CN=shop.example', '-addext', 'subjectAltName=DNS:shop.example'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key];
    execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-days', '30', '-out', files.cert], {
      stdio: 'ignore',
    });
    const options = { key: readFileSync(files.key), cert: readFileSync(files.cert) };
    const server = createTlsServer(options, (_request, answer) => {
      requests += 1;
      answer.end();
    });
    port = await listen(server, OUTSIDE);
  });

  afterAll(() => {
    setDefaultCACertificates(trusted);
    rmSync(directory, { recursive: true });
  });

  const send = (host: string) => client.send({ url: `https://${host}:${port}/` });
  const shownBy = async (host: string): Promise<unknown> => {
    try {
      return await send(host);
    } catch (error) {
      return error instanceof OutgoingError && { reason: error.reason, certificate: error.certificate };
    }
  };

  it('sends nothing to a server whose certificate nobody vouches for, and tells what it showed', async () => {
    expect(await shownBy('shop.example')).toMatchObject({
      reason: 'certificate-invalid',
      certificate: { valid: false, problem: 'DEPTH_ZERO_SELF_SIGNED_CERT', issuer: 'Test CA' },
    });
    expect(requests).toBe(0);
  });

  it('tells issuer and end of a valid certificate', async () => {
    setDefaultCACertificates([...trusted, readFileSync(files.cert, 'utf8')]);
    const { status, certificate } = await send('shop.example');
    expect({ status, certificate }).toMatchObject({ status: 200, certificate: { valid: true, issuer: 'Test CA' } });
    const days = (Date.parse(certificate?.expiresAt ?? '') - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
  });

  it('takes no certificate of another name', async () => {
    const before = requests;
    expect(await shownBy('bank.example')).toMatchObject({
      reason: 'certificate-invalid',
      certificate: { valid: false, problem: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    expect(requests).toBe(before);
  });
});
