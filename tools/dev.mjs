// npm run dev [-- arguments of the CLI]: builds on every change of a source, restarts the run in one process.
// TypeScript 7.0's own `tsc -b -w` polls: 50 to 100 % of a core, and seconds of delay beside a big node_modules.
import { spawn } from 'node:child_process';
import { readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

const SETTLE_MS = 60;
const watched = new Set();
let timer;
let app;
let building = false;
let changedMeanwhile = false;

const run = (args) => spawn(process.execPath, args, { stdio: 'inherit' });
const exitOf = (child) =>
  new Promise((done) => (child.exitCode !== null || child.signalCode ? done() : child.once('exit', done)));
const build = () =>
  new Promise((done) =>
    run(['node_modules/typescript/bin/tsc', '-b', '--pretty']).on('exit', (code) => done(code === 0)),
  );

async function stopApp() {
  if (!app) return;
  app.kill('SIGTERM');
  await exitOf(app);
}

async function rebuild() {
  changedMeanwhile = true;
  if (building) return;
  building = true;
  while (changedMeanwhile) {
    changedMeanwhile = false;
    const begun = performance.now();
    if (!(await build())) continue;
    await stopApp();
    app = run(['--enable-source-maps', 'apps/signet/dist/main.js', 'start', ...process.argv.slice(2)]);
    console.log(`[dev] built and restarted in ${Math.round(performance.now() - begun)} ms`);
  }
  building = false;
}

/** One watcher a folder: a recursive one loses a file that an editor replaces by renaming. */
function watchTree(folder) {
  if (watched.has(folder)) return;
  watched.add(folder);
  watch(folder, (_event, name) => {
    if (!name) return;
    const path = join(folder, name);
    if (name.endsWith('.ts')) {
      clearTimeout(timer);
      timer = setTimeout(() => void rebuild(), SETTLE_MS);
    } else if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) watchTree(path);
  }).on('error', () => watched.delete(folder));
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) watchTree(join(folder, entry.name));
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stopApp().then(() => process.exit(0)));
for (const base of ['apps', 'libs']) for (const name of readdirSync(base)) watchTree(join(base, name, 'src'));
await rebuild();
