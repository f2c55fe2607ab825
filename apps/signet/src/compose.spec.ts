import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configVariables } from '@signet/platform';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

interface ComposeService {
  image?: string;
  build?: { dockerfile: string };
  environment?: Record<string, string | number>;
  ports?: string[];
  read_only?: boolean;
  networks?: string[];
  profiles?: string[];
  healthcheck?: object;
}
const compose: { services: Record<string, ComposeService>; networks: Record<string, { internal?: boolean } | null> } =
  parse(read('docker-compose.yml'), { merge: true });
const ours = ['migrate', 'enrollment', 'redirect', 'verification', 'analytics'];
const service = (name: string): ComposeService => compose.services[name] ?? {};

function hasCompose(): boolean {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('docker-compose.yml', () => {
  // deploy/compose-spec.json is the schema of the Compose Specification, from compose-go 2.16 (Apache-2.0).
  it('is valid by the schema of the Compose Specification', () => {
    const validate = addFormats
      .default(new Ajv2020({ strict: false }))
      .compile(JSON.parse(read('deploy/compose-spec.json')));
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  if (hasCompose())
    it('is accepted by docker compose', () => {
      const given = Object.fromEntries(required().map((name) => [name, 'x']));
      const run = () =>
        execFileSync('docker', ['compose', 'config', '--quiet'], { cwd: root, env: { ...process.env, ...given } });
      expect(run).not.toThrow();
    });

  it('sets no variable that Signet does not know', () => {
    const known = new Set(Object.keys(configVariables));
    for (const name of ours)
      expect(Object.keys(service(name).environment ?? {}).filter((variable) => !known.has(variable))).toEqual([]);
  });

  it('gives the master keys to those alone that open secrets, and the owner of the schema to migrate alone', () => {
    const holding = (pattern: RegExp): string[] =>
      ours.filter((name) => pattern.test(JSON.stringify(service(name).environment)));
    expect(holding(/SIGNET_MASTER_KEYS/)).toEqual(['enrollment', 'verification', 'analytics']);
    expect(holding(/SIGNET_BOOTSTRAP_KEY/)).toEqual(['enrollment']);
    expect(holding(/signet_owner/)).toEqual(['migrate']);
    for (const name of ours.slice(1))
      expect(service(name).environment?.['DATABASE_URL']).toContain(`//signet_${name}_login:`);
  });

  it('publishes nginx alone and keeps it away from the stores', () => {
    const published = Object.keys(compose.services).filter((name) => service(name).ports);
    expect(published.filter((name) => !service(name).profiles)).toEqual(['nginx']);
    for (const name of published.filter((one) => one !== 'nginx'))
      expect(service(name).ports?.every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(service('nginx').networks).toEqual(['edge']);
    expect(compose.networks['stores']?.internal).toBe(true);
  });

  it('has a health check and a read-only file system for each of our services, all from one image', () => {
    for (const name of ours) {
      expect(service(name)).toMatchObject({ read_only: true, healthcheck: expect.any(Object) });
      expect(service(name).image).toBe(service('migrate').image);
    }
    expect(ours.filter((name) => service(name).build)).toEqual(['migrate']);
  });

  it('requires only what .env.example names', () => {
    const example = new Set(read('.env.example').match(/^\w+(?==)/gm));
    expect(required().filter((name) => !example.has(name))).toEqual([]);
  });
});

/** The variables without which compose refuses to start. */
const required = (): string[] => [
  ...new Set([...read('docker-compose.yml').matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name ?? '')),
];
