// A server as a child process that outlives nobody by accident: known by its pid, also after this process has gone.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} ServiceDefinition
 * @property {string} name also names the pid file and the log
 * @property {string} directory where pid file and log go
 * @property {string[]} command
 * @property {string} marker a text that only this server's command line carries, so that a reused pid is not mistaken
 * @property {import('node:child_process').SpawnOptions} [options]
 * @property {NodeJS.Signals} stopSignal the one after which it ends cleanly without waiting for its clients
 * @property {() => Promise<void>} probe resolves when the server really answers
 * @property {number} [attempts] how often to start one that exits at once
 */

export class Service {
  /** @param {ServiceDefinition} definition */
  constructor(definition) {
    this.definition = definition;
    this.pidFile = `${definition.directory}/${definition.name}.pid`;
    this.logFile = `${definition.directory}/${definition.name}.log`;
  }

  /**
   * The service that an earlier process left running in the folder, good for stopping it.
   * @returns {Service | undefined}
   */
  static running(directory, name) {
    const service = new Service({ name, directory });
    if (!existsSync(service.pidFile)) return undefined;
    Object.assign(service.definition, JSON.parse(readFileSync(service.pidFile, 'utf8')));
    return service.pid === undefined ? undefined : service;
  }

  /** The pid of the running server, whoever started it; undefined when it does not run. */
  get pid() {
    if (!existsSync(this.pidFile)) return undefined;
    const { pid } = JSON.parse(readFileSync(this.pidFile, 'utf8'));
    return commandLine(pid).includes(this.definition.marker) ? pid : undefined;
  }

  /** Starts the server, or takes over the one that runs; resolves when it answers. */
  async start({ timeoutSeconds = 90 } = {}) {
    const deadline = Date.now() + timeoutSeconds * 1000;
    for (let attempt = 1; ; attempt++) {
      if (this.pid === undefined) this.#spawn();
      if (await this.#answers(deadline)) return;
      if (attempt >= (this.definition.attempts ?? 1)) throw new Error(this.#failure());
      await sleep(1000);
    }
  }

  /**
   * Sends a signal that ends the server and resolves when it has ended; one that does not end in 30 s is killed.
   * To freeze a server instead, send SIGSTOP to its pid.
   * @param {NodeJS.Signals} [signal]
   */
  async stop(signal = this.definition.stopSignal) {
    const pid = this.signal(signal);
    if (pid === undefined) return;
    const deadline = Date.now() + 30_000;
    while (isAlive(pid)) {
      if (Date.now() > deadline) signalProcess(pid, 'SIGKILL');
      await sleep(50);
    }
    rmSync(this.pidFile, { force: true });
  }

  /** Sends the signal, also to a frozen server, and does not wait. */
  signal(signal = this.definition.stopSignal) {
    const { pid } = this;
    if (pid === undefined) return undefined;
    signalProcess(pid, signal);
    signalProcess(pid, 'SIGCONT');
    return pid;
  }

  #spawn() {
    const { command, options, marker, stopSignal } = this.definition;
    const log = openSync(this.logFile, 'a');
    // A process group of its own: Ctrl-C reaches this process only, which then stops the servers in its own order.
    const child = spawn(command[0], command.slice(1), { ...options, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    child.on('error', () => {});
    child.unref();
    if (child.pid === undefined) throw new Error(`${command[0]} cannot be started`);
    writeFileSync(this.pidFile, JSON.stringify({ pid: child.pid, marker, stopSignal }));
  }

  /** @returns {Promise<boolean>} false when the server ended before it answered */
  async #answers(deadline) {
    // Redis takes a moment to put its marker into its command line.
    const grace = Date.now() + 1000;
    for (;;) {
      try {
        await this.definition.probe();
        return true;
      } catch (error) {
        this.lastError = error;
      }
      if (this.pid === undefined && Date.now() > grace) return false;
      if (Date.now() > deadline) return false;
      await sleep(100);
    }
  }

  #failure() {
    const log = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-15) : [];
    const state = this.pid === undefined ? 'ended before it answered' : `does not answer (${this.lastError?.message})`;
    return `${this.definition.name} ${state}; the end of ${this.logFile}:\n${log.join('\n')}`;
  }
}

function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A zombie (ended, but its parent has not asked for its exit code yet) still takes signals, but is no longer alive. */
const isAlive = (pid) => !['', 'Z'].includes(look(pid).state);
const commandLine = (pid) => (isAlive(pid) ? look(pid).command : '');

/** @returns {{state: string, command: string}} both empty when there is no such process */
function look(pid) {
  try {
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return { state: stat.charAt(stat.lastIndexOf(')') + 2), command };
    }
    const columns = ['-ww', '-o', 'stat=', '-o', 'args=', '-p', String(pid)];
    const line = execFileSync('ps', columns, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return { state: line.charAt(0), command: line.slice(line.indexOf(' ')) };
  } catch {
    return { state: '', command: '' };
  }
}

/**
 * A free port below the range from which the system takes ports for outgoing connections: a client that keeps
 * calling a stopped server there could otherwise be given the server's own port, and hold it.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

/** @returns {Promise<boolean>} whether a server could listen on the port of the loopback address */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
