// The one origin of the distributed run on a developer's machine, where deploy/nginx/nginx.conf stands in production:
// the same routes (a test compares them), streamed through node:http. Not made for load.
import { createServer, request } from 'node:http';

const routes = [
  { service: 'analytics', methods: ['GET', 'HEAD'], paths: ['/v1/verifications'] },
  { service: 'verification', paths: ['/v1/verifications', '/v1/challenges', '/v1/sessions', '/.well-known/jwks.json'] },
  {
    service: 'analytics',
    paths: [
      '/v1/analytics',
      '/v1/scans',
      '/v1/stream',
      '/v1/alerts',
      '/v1/alert-mutes',
      '/v1/notification-channels',
      '/v1/webhooks',
      '/v1/anomaly-rules',
    ],
  },
  { service: undefined, paths: ['/healthz', '/readyz', '/metrics'] },
  { service: 'enrollment', paths: ['/v1', '/docs', '/enroll'] },
  { service: 'redirect', paths: ['/'] },
];

/** Of one connection, not of the message (RFC 9110 §7.6.1): each side's server speaks for itself. */
function withoutHop({ connection, 'keep-alive': keepAlive, ...headers }) {
  return headers;
}

const covers = (prefix, path) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);

/** @returns {string | undefined} the service that serves it; undefined for what is not for the outside */
function serviceFor(method, url) {
  const path = url.split('?', 1)[0];
  return routes.find(
    ({ methods, paths }) => (!methods || methods.includes(method)) && paths.some((prefix) => covers(prefix, path)),
  ).service;
}

/**
 * @param {{port: number, host?: string, upstreams: Record<string, {host: string, port: number}>}} options
 * @returns {Promise<import('node:http').Server>}
 */
export function startProxy({ port, host = '127.0.0.1', upstreams }) {
  const server = createServer((incoming, answer) => {
    const upstream = upstreams[serviceFor(incoming.method, incoming.url)];
    if (!upstream) return answer.writeHead(404).end();
    const headers = {
      ...withoutHop(incoming.headers),
      'x-forwarded-for': incoming.socket.remoteAddress,
      'x-forwarded-proto': 'http',
      'x-forwarded-host': incoming.headers.host,
    };
    const outgoing = request({ ...upstream, method: incoming.method, path: incoming.url, headers });
    outgoing.on('response', (response) => {
      answer.writeHead(response.statusCode, withoutHop(response.headers));
      // Of a stream the headers count before the first event.
      answer.flushHeaders();
      response.pipe(answer);
      response.on('error', () => answer.destroy());
    });
    outgoing.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
