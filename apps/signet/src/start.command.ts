import { AccessService } from '@signet/access';
import { configOrExit, runService, version, type SignetConfig } from '@signet/platform';
import { lanAddress, phoneTour } from './lan.js';
import { withMasterKeys } from './master-keys.js';
import { signetService } from './signet.service.js';
import { welcome, type AdminKey } from './welcome.js';

/** Runs everything in one process until a signal ends it. */
export async function start({ lan = false, port }: { lan?: boolean; port?: number }): Promise<void> {
  if (port !== undefined) process.env['PORT'] = String(port);
  const config = withMasterKeys(configOrExit([], defaults(lan)));
  await runService(config, {
    ...signetService,
    onReady: async (app, platform) => {
      await signetService.onReady?.(app, platform);
      const chosen = config.values.SIGNET_BOOTSTRAP_KEY?.reveal();
      const created = await app.get(AccessService, { strict: false }).bootstrap();
      process.stdout.write(welcome({ url: localUrl(config), version, adminKey: adminKeyOf(created, chosen) }));
      if (lan) process.stdout.write(await phoneTour(app, config.publicUrl, created ?? chosen));
    },
  });
}

/** For a person at a terminal: the log speaks only when something is wrong, unless SIGNET_LOG_LEVEL asks for more. */
function defaults(lan: boolean): Record<string, string> {
  const quiet = { PORT: String(signetService.defaultPort), SIGNET_LOG_LEVEL: 'warn' };
  if (!lan) return quiet;
  const address = lanAddress();
  if (!address) {
    process.stderr.write('--lan: this machine has no network address\n');
    process.exit(1);
  }
  const port = process.env['PORT'] || quiet.PORT;
  return { ...quiet, SIGNET_HOST: address, SIGNET_PUBLIC_URL: `http://${address}:${port}` };
}

function localUrl({ port, values }: SignetConfig): string {
  const everywhere = values.SIGNET_HOST === '0.0.0.0' || values.SIGNET_HOST === '::';
  return `http://${everywhere ? '127.0.0.1' : values.SIGNET_HOST}:${port}`;
}

function adminKeyOf(created: string | undefined, chosen: string | undefined): AdminKey {
  if (chosen) return { from: 'environment' };
  return created ? { from: 'this-start', key: created } : { from: 'an-earlier-start' };
}
