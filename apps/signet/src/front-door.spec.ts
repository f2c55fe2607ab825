import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { operations, type OperationSpec } from '@signet/contracts';
import { freePort } from '@signet/testing';

// What stands before the four services: deploy/nginx/nginx.conf, and tools/proxy.mjs on a developer's machine.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const services = ['enrollment', 'redirect', 'verification', 'analytics'] as const;
type ServiceName = (typeof services)[number];
type Ports = Record<ServiceName, number>;

const nginx = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'nginx'))
  .find((path) => existsSync(path));

const serviceOfTag: Record<string, ServiceName> = {
  Access: 'enrollment',
  Codes: 'enrollment',
  Files: 'enrollment',
  'Domains and brands': 'enrollment',
  Policies: 'enrollment',
  Enrollment: 'enrollment',
  Audit: 'enrollment',
  Verification: 'verification',
  Analytics: 'analytics',
  Alerts: 'analytics',
  Webhooks: 'analytics',
};
const calls = Object.values<OperationSpec>(operations).map(({ method, path, tag }) => ({
  method,
  path: path.replaceAll(/\{\w+\}/g, '0192f0c1-7a00-7000-8000-000000000001'),
  service: serviceOfTag[tag],
}));

interface Answer {
  status: number;
  /** The service that got the request, and what it saw. */
  service: string | undefined;
  forwardedFor: string | undefined;
  keepAlive: string | undefined;
}

function call(port: number, method: string, path: string, headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      const { 'x-service': service, 'x-saw-forwarded-for': forwardedFor } = answer.headers;
      answer.resume().on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          service: service?.toString(),
          forwardedFor: forwardedFor?.toString(),
          keepAlive: answer.headers['keep-alive']?.toString(),
        }),
      );
    });
    outgoing.on('error', reject).end();
  });
}

/** Answers with its own name; on `/v1/stream` it says one event and stays silent, as a stream may. */
function stub(name: ServiceName): Promise<Server> {
  const server = createServer((incoming, answer) => {
    answer.setHeader('X-Service', name);
    answer.setHeader('X-Saw-Forwarded-For', incoming.headers['x-forwarded-for'] ?? '');
    if (incoming.url !== '/v1/stream') return answer.end();
    return answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: one\n\n');
  });
  // As long as the services do.
  server.keepAliveTimeout = 72_000;
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

function startNginx(directory: string, port: number, ports: Ports): ChildProcess {
  const written = readFileSync(join(root, 'deploy/nginx/nginx.conf'), 'utf8');
  const moved = services.reduce(
    (text, name) => text.replace(new RegExp(`server ${name}:\\d+;`), `server 127.0.0.1:${ports[name]};`),
    written.replaceAll('/tmp/', `${directory}/`).replaceAll('/dev/std', `${directory}/std`),
  );
  writeFileSync(join(directory, 'nginx.conf'), moved.replace('listen 8080', `listen 127.0.0.1:${port}`));
  return spawn(nginx ?? 'nginx', ['-p', directory, '-c', join(directory, 'nginx.conf'), '-g', 'daemon off;']);
}

function startProxy(_directory: string, port: number, ports: Ports): ChildProcess {
  const upstreams = Object.fromEntries(services.map((name) => [name, { host: '127.0.0.1', port: ports[name] }]));
  const script = `import { startProxy } from ${JSON.stringify(join(root, 'tools/proxy.mjs'))};
    await startProxy(${JSON.stringify({ port, upstreams })});`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script]);
}

describe.each([
  { name: 'nginx.conf', start: startNginx, here: nginx !== undefined },
  { name: 'the development proxy', start: startProxy, here: true },
])('$name', ({ start, here }) => {
  const promise = here ? it : it.skip;
  const directory = mkdtempSync(join(tmpdir(), 'signet-front-door-'));
  const stubs: Server[] = [];
  let frontDoor: ChildProcess | undefined;
  let port = 0;
  let complaints = '';

  beforeAll(async () => {
    if (!here) return;
    for (const name of services) stubs.push(await stub(name));
    const [enrollment = 0, redirect = 0, verification = 0, analytics = 0] = stubs.map(portOf);
    port = await freePort();
    frontDoor = start(directory, port, { enrollment, redirect, verification, analytics });
    frontDoor.stderr?.on('data', (text) => (complaints += String(text)));
    while (!(await call(port, 'GET', '/docs').catch(() => undefined))) {
      if (frontDoor.exitCode !== null) throw new Error(complaints);
      await sleep(20);
    }
  });

  afterAll(async () => {
    const ended = new Promise((done) => frontDoor?.once('exit', done));
    if (frontDoor?.kill('SIGTERM')) await ended;
    for (const server of stubs) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(directory, { recursive: true, force: true });
  });

  promise('sends every call of the contract to the service that serves it', async () => {
    for (const { method, path, service } of calls.filter(({ path: each }) => each !== '/v1/stream'))
      expect({ method, path, ...(await call(port, method, path)) }).toMatchObject({
        method,
        path,
        service,
        status: 200,
      });
  });

  promise.each([
    ['GET', '/docs', 'enrollment'],
    ['GET', '/docs/start.js', 'enrollment'],
    ['GET', '/v1/openapi.json', 'enrollment'],
    ['GET', '/enroll/Ab3dEf9hAb3dEf9hAb3dEf', 'enrollment'],
    ['POST', '/enroll/Ab3dEf9hAb3dEf9hAb3dEf', 'enrollment'],
    ['GET', '/v1/verifications', 'analytics'],
    ['POST', '/v1/challenges', 'verification'],
    ['POST', '/v1/sessions/introspect', 'verification'],
    ['GET', '/.well-known/jwks.json', 'verification'],
    ['GET', '/.well-known/assetlinks.json', 'redirect'],
    ['GET', '/.well-known/apple-app-site-association', 'redirect'],
    ['GET', '/v1/webhooks/1/deliveries', 'analytics'],
    ['GET', '/v1/scansome', 'enrollment'],
    ['GET', '/Ab3dEf9h', 'redirect'],
    ['HEAD', '/Ab3dEf9h', 'redirect'],
    ['POST', '/Ab3dEf9h/claim', 'redirect'],
    ['GET', '/check', 'redirect'],
    ['POST', '/check', 'redirect'],
    ['GET', '/assets/pages/0123456789abcdef/scan.js', 'redirect'],
    ['GET', '/v1abc', 'redirect'],
    ['GET', '/docs-2026', 'redirect'],
    ['GET', '/enrollment-day', 'redirect'],
  ])('sends %s %s to %s', async (method, path, service) => {
    expect(await call(port, method, path)).toMatchObject({ service });
  });

  promise.each(['/healthz', '/readyz', '/metrics'])('shows %s to nobody', async (path) => {
    expect(await call(port, 'GET', path)).toMatchObject({ status: 404, service: undefined });
  });

  promise('says whose address it is, whatever the caller claims', async () => {
    expect(await call(port, 'GET', '/Ab3dEf9h', { 'X-Forwarded-For': '203.0.113.7' })).toMatchObject({
      forwardedFor: '127.0.0.1',
    });
  });

  promise('promises no connection for longer than it keeps it', async () => {
    const { keepAlive } = await call(port, 'GET', '/Ab3dEf9h', { Connection: 'keep-alive' });
    expect(keepAlive).not.toBe('timeout=72');
  });

  promise('passes the first event of a stream on while the stream stays open', async () => {
    const answer = await new Promise<IncomingMessage>((resolve) =>
      request({ host: '127.0.0.1', port, path: '/v1/stream', agent: false }, resolve).end(),
    );
    const [first] = await new Promise<Buffer[]>((resolve) => answer.once('data', (chunk: Buffer) => resolve([chunk])));
    expect(first?.toString()).toBe('data: one\n\n');
    answer.destroy();
  });
});
