import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CodeSchema } from '@signet/contracts';
import type { z } from 'zod';
import { RealStores } from './real-stores.js';
import { freePort, ServiceProcess } from './service-process.js';
import type { StoreName } from './story/run.js';
import { withoutLimits } from './story/start-embedded.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
const KEY = 'sgk_fleet_0123456789abcdefghijklmnop';
/** Nobody listens on port 1: the event log is away, which the redirect goes on without. */
const NO_KAFKA = { KAFKA_BROKERS: '127.0.0.1:1' };

type Code = z.output<typeof CodeSchema> & { slug: string };

export type OtherService = 'verification' | 'analytics';

export interface FleetOptions {
  redirects: number;
  stores: readonly StoreName[];
  /** Beside them; none unless said. */
  others?: readonly OtherService[];
  /** Of the redirects. */
  environment?: Record<string, string>;
}

/** Processes of the redirect on real stores of their own, with enrollment beside them for whoever makes codes. */
export class RedirectFleet {
  private constructor(
    readonly stores: RealStores,
    readonly environment: Readonly<Record<string, string>>,
    readonly api: ServiceProcess,
    readonly redirects: readonly ServiceProcess[],
    private readonly others: ReadonlyMap<OtherService, ServiceProcess>,
  ) {}

  static async start({
    redirects,
    stores: names,
    others: otherNames = [],
    environment: own,
  }: FleetOptions): Promise<RedirectFleet> {
    const stores = new RealStores();
    const started: ServiceProcess[] = [];
    try {
      const environment = {
        ...withoutLimits,
        ...NO_KAFKA,
        ...(await stores.start(...names)),
        SIGNET_BOOTSTRAP_KEY: KEY,
        SIGNET_MASTER_KEYS: `test:${Buffer.alloc(32, 1).toString('base64')}`,
        SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
        SIGNET_TARGET_CHECK_INTERVAL_HOURS: '0',
      };
      await run(process.execPath, ['apps/signet/dist/main.js', 'migrate'], {
        cwd: root,
        env: { ...process.env, ...environment },
      });
      const start = async (app: string, name: string, extra: Record<string, string> = {}): Promise<ServiceProcess> => {
        const directory = { SIGNET_DATA_DIR: join(stores.directory, name) };
        const variables = { ...environment, ...directory, ...extra };
        const service = new ServiceProcess(`apps/${app}/dist/main.js`, [], await freePort(), variables);
        started.push(service);
        await service.start();
        return service;
      };
      const api = await start('enrollment', 'enrollment');
      const fleet: ServiceProcess[] = [];
      for (let n = 0; n < redirects; n += 1) fleet.push(await start('redirect', `redirect-${n}`, own));
      const others = new Map<OtherService, ServiceProcess>();
      for (const name of otherNames) others.set(name, await start(name, name));
      const whole = new RedirectFleet(stores, environment, api, fleet, others);
      // The service is ready a moment before its first key is made.
      while ((await whole.call('GET', '/v1/codes?limit=1')).status === 401) await pause(25);
      return whole;
    } catch (error) {
      await Promise.all(started.map((service) => service.end('SIGKILL')));
      await stores.end();
      throw error;
    }
  }

  /** Of an administrator. */
  readonly key = KEY;

  /** One of the redirects; they take turns. */
  redirect(turn = 0): ServiceProcess {
    const service = this.redirects[turn % this.redirects.length];
    if (!service) throw new Error('a fleet without redirects');
    return service;
  }

  other(name: OtherService): ServiceProcess {
    const service = this.others.get(name);
    if (!service) throw new Error(`a fleet without ${name}`);
    return service;
  }

  async createCode(body: object): Promise<Code> {
    const answer = await this.call('POST', '/v1/codes', { target: { url: 'https://example.org/' }, ...body });
    if (answer.status !== 201) throw new Error(`creating a code: ${answer.status} ${await answer.text()}`);
    const code = CodeSchema.parse(await answer.json());
    return { ...code, slug: code.slug ?? '' };
  }

  /** Of the administrators' API, or what another service has of it. */
  call(method: string, path: string, body?: object, service = this.api): Promise<Response> {
    const headers = {
      authorization: `Bearer ${KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return fetch(service.url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  }

  /** Also when a service was killed, or a store is away. */
  async stop(): Promise<void> {
    await Promise.all([this.api, ...this.redirects, ...this.others.values()].map((service) => service.end('SIGKILL')));
    await this.stores.end();
  }
}
