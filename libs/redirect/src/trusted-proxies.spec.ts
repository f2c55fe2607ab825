import { fastify } from 'fastify';
import { TrustedProxies } from './trusted-proxies.js';

const CIDRS = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'];

describe('TrustedProxies', () => {
  const proxies = new TrustedProxies(CIDRS);

  it.each([
    ['203.0.113.9', undefined],
    ['203.0.113.9', '198.51.100.1'],
    ['10.1.2.3', undefined],
    ['10.1.2.3', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, 10.9.9.9'],
    ['10.1.2.3', '198.51.100.1 ,203.0.113.5,  10.9.9.9'],
    ['10.1.2.3', '10.0.0.1, 192.0.2.7'],
    ['10.1.2.3', '198.51.100.1, unknown'],
    ['10.1.2.3', 'unknown, 10.9.9.9'],
    ['::ffff:10.1.2.3', '198.51.100.1'],
    ['10.1.2.3', '::ffff:198.51.100.1'],
    ['fd00::17', '2001:db8:5::1'],
    ['2001:db8::1', '2001:db8:5::1, FD00::2'],
    ['2001:db8::2', '2001:db8:5::1'],
  ])('take from %s, forwarded for %s, the client that Fastify takes', async (remoteAddress, forwardedFor) => {
    const app = fastify({ trustProxy: CIDRS });
    app.get('/', ({ ip }) => ({ ip }));
    const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
    const answer = await app.inject({ url: '/', remoteAddress, headers });
    expect(proxies.clientOf(remoteAddress, forwardedFor)).toBe(answer.json<{ ip: string }>().ip);
    await app.close();
  });

  it('are none unless some are named', () => {
    expect(new TrustedProxies([]).clientOf('10.1.2.3', '198.51.100.1')).toBe('10.1.2.3');
    expect(proxies.trusts('nonsense')).toBe(false);
  });
});
