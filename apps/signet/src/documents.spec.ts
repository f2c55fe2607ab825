import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { topics } from '@signet/contracts';
import { configVariables } from '@signet/platform';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = globSync('{docs/operating,docs/integrating,docs/using}/*.md', { cwd: root });

describe('the documents', () => {
  it('explain every metric that the code serves, and no other', () => {
    const sources = globSync('libs/*/src/**/*.ts', { cwd: root }).filter((path) => !/\.(spec|fixture)\.ts$/.test(path));
    const served = sources.flatMap((path) => read(path).match(/(?<=')signet_[a-z_]+_(?!login)[a-z]+(?=')/g) ?? []);
    const roles = new Set(['signet_enrollment', 'signet_redirect', 'signet_verification', 'signet_analytics']);
    const isMetric = (name: string): boolean => !roles.has(name) && name !== 'signet_migrations';
    const explained = Array.from(
      read('docs/operating/monitoring.md').matchAll(/^\| `(signet_\w+)` /gm),
      ([, name]) => name,
    );
    expect(new Set(explained)).toEqual(new Set(served.filter(isMetric)));
  });

  it('name tests that exist for the failures', () => {
    const rows = read('docs/operating/failures.md').matchAll(/^\| `((?:libs|apps)\/[^`]+\.ts)`([^|]*)\|/gm);
    const named = Array.from(rows, ([, path = '', names = '']) => ({ path, names }));
    expect(named.length).toBeGreaterThan(15);
    const missing = named.flatMap(({ path, names }) => {
      const source = read(path);
      const quoted = Array.from(names.matchAll(/“([^”…]+)/g), ([, name = '']) => name.trim());
      return quoted.filter((name) => !source.includes(name));
    });
    expect(missing).toEqual([]);
  });

  it.each(pages)('lead only to files that exist: %s', (page) => {
    const links = Array.from(read(page).matchAll(/\]\(([^)#:]+)\)/g), ([, link = '']) => link);
    const files = links.map((link) => {
      const path = join(root, dirname(page), link);
      return existsSync(path) || existsSync(`${path}.md`) ? undefined : link;
    });
    expect(files.filter(Boolean)).toEqual([]);
  });

  it.each(pages)('name only variables that Signet reads: %s', (page) => {
    // What docker-compose.yml and .env.example hand to the stores.
    const ofCompose = /^SIGNET_(\w+_PASSWORD|BIND|PORT|VERSION)$/;
    const names = read(page).match(/\bSIGNET_[A-Z_]+\b/g) ?? [];
    expect(names.filter((name) => !(name in configVariables) && !ofCompose.test(name))).toEqual([]);
  });

  it('tell of every topic', () => {
    const events = read('docs/integrating/events.md');
    for (const { name } of Object.values(topics)) expect(events).toContain(`\`${name}\``);
  });
});
