import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Client } from 'pg';
import { Service } from './process.mjs';

const OLDEST = 15;
const places = ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql*/bin', '/usr/local/opt/postgresql*/bin'];

/** @returns {{available: true, bin: string, user?: Identity} | {available: false, reason: string}} */
export function findPostgres() {
  const candidates = [...(process.env.PATH ?? '').split(delimiter), ...globSync(places)]
    .filter((bin) => existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb')))
    .map((bin) => dirname(realpathSync(join(bin, 'postgres'))))
    .map((bin) => ({ bin, version: versionOf(bin) }))
    .filter(({ version }) => version >= OLDEST)
    .toSorted((a, b) => b.version - a.version);
  if (!candidates.length) return { available: false, reason: `no initdb and postgres of version ${OLDEST} or newer` };
  const { bin } = candidates[0];
  if (process.getuid?.() !== 0) return { available: true, bin };
  const user = unprivilegedUser();
  return user
    ? { available: true, bin, user }
    : { available: false, reason: 'PostgreSQL refuses to run as root, and there is no user postgres or nobody' };
}

/**
 * @param {{directory: string, port: number, state: object, found: {bin: string, user?: Identity}}} options `state` is
 *   remembered for the next start: the password and where the data is
 * @returns {Promise<{service: Service, url: string}>}
 */
export async function preparePostgres({ directory, port, state, found }) {
  state.postgresPassword ??= randomBytes(18).toString('base64url');
  if (!state.postgresData || !existsSync(state.postgresData))
    state.postgresData = makeDataFolder(directory, found.user);
  const data = join(state.postgresData, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) initialize({ ...found, data, password: state.postgresPassword });
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 300,
    // Small test databases; fsync stays on, the tests kill this server.
    shared_buffers: '64MB',
    autovacuum_naptime: '10s',
  };
  const url = `postgres://signet:${state.postgresPassword}@127.0.0.1:${port}`;
  const service = new Service({
    name: 'postgres',
    directory,
    marker: data,
    command: [
      join(found.bin, 'postgres'),
      '-D',
      data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    options: { cwd: state.postgresData, ...found.user },
    stopSignal: 'SIGINT',
    probe: () => ensureDatabase(url, 'signet'),
    // After a kill -9 the old backends may hold the shared memory for a moment.
    attempts: 5,
  });
  return { service, url: `${url}/signet` };
}

function versionOf(bin) {
  const text = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
  return Number(/(\d+)/.exec(text)?.[1] ?? 0);
}

/** @typedef {{uid: number, gid: number}} Identity */
/** @returns {Identity | undefined} */
function unprivilegedUser() {
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
      );
      return { uid, gid };
    } catch {
      // Try the next name.
    }
  }
  return undefined;
}

/** In the services folder, or in the temporary one where the other user cannot enter (a private home, say). */
function makeDataFolder(directory, user) {
  const wanted = join(directory, 'postgres');
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  if (!user) return wanted;
  if (belongsTo(wanted, user)) return wanted;
  rmSync(wanted, { recursive: true });
  const temporary = mkdtempSync(join(tmpdir(), 'signet-postgres-'));
  if (belongsTo(temporary, user)) return temporary;
  throw new Error(`user ${user.uid}, as whom PostgreSQL has to run, can enter neither ${directory} nor ${tmpdir()}`);
}

function belongsTo(folder, user) {
  chownSync(folder, user.uid, user.gid);
  try {
    execFileSync('test', ['-w', folder], { ...user, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

function initialize({ bin, data, user, password }) {
  const passwordFile = `${data}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);
  const options = ['-U', 'signet', '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const initdb = (characters) =>
    execFileSync(join(bin, 'initdb'), ['-D', data, ...options, `--lc-ctype=${characters}`], {
      ...user,
      cwd: join(data, '..'),
      stdio: 'pipe',
    });
  // By bytes to sort; letters of every script to search. Systems call that differently, and initdb tidies up when it fails.
  try {
    const left = ['C.UTF-8', 'en_US.UTF-8', 'C'];
    for (let characters = left.shift(); characters; characters = left.shift())
      try {
        initdb(characters);
        break;
      } catch (error) {
        if (left.length === 0) throw error;
      }
  } finally {
    rmSync(passwordFile);
  }
}

async function ensureDatabase(url, name) {
  const client = new Client({ connectionString: `${url}/postgres`, connectionTimeoutMillis: 2000 });
  // An idle connection's failure is an event; unheard, it would end this process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (!rowCount) await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
}
