// The import directions of docs/adr/0002: every import of another project is declared in package.json and in the
// tsconfig's references, obeys the tag rules below, never goes past an index.ts and never closes a circle.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const mayImport = {
  'type:app': ['type:context', 'type:platform', 'type:contracts'],
  'type:context': ['type:context', 'type:platform', 'type:contracts'],
  'type:testing': ['type:platform', 'type:contracts'],
  'type:platform': ['type:contracts'],
  'type:contracts': [],
};
const allowedPackages = { 'type:contracts': ['zod', 'zod-openapi'] };

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const projects = ['apps', 'libs']
  .flatMap((base) => readdirSync(base).map((name) => join(base, name)))
  .filter((dir) => existsSync(join(dir, 'package.json')))
  .map((dir) => {
    const manifest = readJson(join(dir, 'package.json'));
    return { dir, manifest, name: manifest.name, tag: manifest.nx.tags.find((tag) => tag.startsWith('type:')) };
  });
const byName = new Map(projects.map((project) => [project.name, project]));
const errors = [];

for (const project of projects) {
  const dependencies = Object.keys(project.manifest.dependencies ?? {}).filter((name) => byName.has(name));
  const devDependencies = Object.keys(project.manifest.devDependencies ?? {}).filter((name) => byName.has(name));
  project.dependencies = dependencies;
  const references = new Set(
    (readJson(join(project.dir, 'tsconfig.json')).references ?? []).map(({ path }) => join(project.dir, path)),
  );
  for (const name of [...dependencies, ...devDependencies])
    if (!references.has(byName.get(name).dir)) errors.push(`${project.name}: ${name} is not in tsconfig references`);
  for (const name of dependencies)
    if (!mayImport[project.tag].includes(byName.get(name).tag))
      errors.push(`${project.name} (${project.tag}) must not depend on ${name} (${byName.get(name).tag})`);

  const used = new Set();
  for (const file of readdirSync(join(project.dir, 'src'), { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const path = join(project.dir, 'src', file);
    const isSpec = /\.(spec|fixture)\.ts$/.test(file);
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (specifier.startsWith('.')) {
        const target = relative(resolve(project.dir), resolve(path, '..', specifier));
        if (target.startsWith('..')) errors.push(`${path}: reaches into another project (${specifier})`);
        continue;
      }
      if (specifier.startsWith('@signet/')) {
        const name = specifier.split('/').slice(0, 2).join('/');
        if (specifier !== name) errors.push(`${path}: imports past the index of ${name}`);
        if (!isSpec) used.add(name);
        const declared = isSpec ? [...dependencies, ...devDependencies] : dependencies;
        if (!declared.includes(name)) errors.push(`${path}: imports ${name}, which its package.json does not declare`);
        continue;
      }
      const only = allowedPackages[project.tag];
      if (only && !isSpec && !only.includes(specifier)) errors.push(`${path}: ${project.tag} imports only ${only}`);
    }
  }
  for (const name of dependencies)
    if (!used.has(name)) errors.push(`${project.name}: declares ${name} and never imports it`);
}

const state = new Map();
const visit = (name, trail) => {
  if (state.get(name) === 'done') return;
  if (state.get(name) === 'open') {
    errors.push(`circle: ${[...trail.slice(trail.indexOf(name)), name].join(' → ')}`);
    return;
  }
  state.set(name, 'open');
  for (const next of byName.get(name).dependencies) visit(next, [...trail, name]);
  state.set(name, 'done');
};
for (const { name } of projects) visit(name, []);

for (const error of errors) console.error(error);
process.exit(errors.length ? 1 : 0);
