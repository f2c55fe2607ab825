import { networkInterfaces } from 'node:os';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { renderTerminalQr } from '@signet/qr';

const DEMO_SLUG = 'hello';
/** Not ours: a code may not lead back to the installation that issues it. */
const DEMO_TARGET = 'https://example.com/';

/** @returns this machine's first IPv4 address that others can reach; undefined without a network */
export function lanAddress(interfaces = networkInterfaces()): string | undefined {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/**
 * A QR for the terminal: of a demo code, whose scans can be watched, and where that cannot be had, of the documentation.
 * @param adminKey absent when only its owner knows it
 */
export async function phoneTour(app: NestFastifyApplication, publicUrl: string, adminKey?: string): Promise<string> {
  const demo = (adminKey && (await createDemo(app, adminKey))) || (await hasDemo(app));
  const url = demo ? `${publicUrl}/${DEMO_SLUG}` : `${publicUrl}/docs`;
  return `Scan this with a phone in the same network (${url}):\n\n${renderTerminalQr(url)}\n`;
}

async function createDemo(app: NestFastifyApplication, adminKey: string): Promise<boolean> {
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/v1/codes',
    headers: { authorization: `Bearer ${adminKey}` },
    payload: { kind: 'link', slug: DEMO_SLUG, title: 'Demo', target: { url: DEMO_TARGET } },
  });
  return statusCode === 201;
}

/** A HEAD is no scan. */
async function hasDemo(app: NestFastifyApplication): Promise<boolean> {
  const { statusCode } = await app.inject({ method: 'HEAD', url: `/${DEMO_SLUG}` });
  return statusCode === 302;
}
