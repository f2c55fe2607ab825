// Infers the same targets for every apps/* and libs/* project, so that no project carries its own copy.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const jest =
  'node --experimental-vm-modules --disable-warning=ExperimentalWarning ../../node_modules/jest/bin/jest.js --config ../../jest.config.mjs --rootDir .';
const hasSpecs = (dir) => readdirSync(dir, { recursive: true }).some((file) => file.endsWith('.spec.ts'));

export const createNodesV2 = [
  '{apps,libs}/*/tsconfig.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const root = dirname(file);
      const run = (command) => ({ executor: 'nx:run-commands', options: { command, cwd: root } });
      const targets = { build: run('tsc -b'), lint: run('oxlint --type-aware src') };
      if (hasSpecs(join(workspaceRoot, root, 'src'))) targets.test = run(jest);
      return [file, { projects: { [root]: { root, targets } } }];
    }),
];
