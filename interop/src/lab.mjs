// The lab: where things lie, free ports, and child processes that end.
//
// Every process is started here, writes its own log in the folder of the case that started it, has
// a longest life, and is ended by its own pid. Nothing is ever ended by name.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `interop/`. */
export const interop = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** The repository's root. */
export const repository = path.dirname(interop);
/** The lab's folder: what is installed and what runs leave behind. Not in git. */
export const labFolder = path.resolve(process.env.CROSSPOINT_LAB ?? path.join(repository, '.lab'));
/** True inside the lab's own network namespace (see `in-lab.sh`). */
export const ownNetwork = process.env.CROSSPOINT_LAB_NETWORK === 'own';
/** An address that is not loopback, where there is one: browsers gather no loopback candidates. */
export const address = ownNetwork ? '10.77.0.1' : '127.0.0.1';
/** Its IPv6 sister. */
export const address6 = ownNetwork ? 'fd77::1' : '::1';

/** A word of this run's own: several runs may share a lab's folder, and even a process id. */
export const runId = randomUUID().slice(0, 8);

/** Resolves after `ms` milliseconds. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects with `what` if `promise` takes longer than `ms` milliseconds. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `probe` again and again until it returns something true, `ms` milliseconds at most. */
export async function until(ms, what, probe, pause = 50) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${ms} ms: ${what}${last ? ` (${last.message})` : ''}`);
    }
    await sleep(pause);
  }
}

/** Throws an error with `message` unless `condition` is true. */
export function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** What a case throws when the peer at hand cannot do it: shown as a dash with this reason. */
export class Cannot extends Error {}

const givenPorts = new Set();

/**
 * A port that nobody listens on now, for UDP and TCP alike, and that is given once only. It is none
 * of those that outgoing connections come from, which would take it before its turn.
 */
export async function freePort(host = '127.0.0.1') {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const free = !givenPorts.has(port) && await listens(net.createServer(), 'listen', port, host)
      && await listens(dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4'), 'bind', port, host);
    if (free) {
      givenPorts.add(port);
      return port;
    }
  }
  throw new Error(`no free port on ${host}`);
}

/** Whether a socket can listen there; it is closed again. */
async function listens(socket, verb, port, host) {
  const can = await new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket[verb](port, host, () => resolve(true));
  });
  if (can) await new Promise((resolve) => socket.close(resolve));
  return can;
}

const running = new Set();

/** A child process of the lab. Made by `start`. */
export class Child {
  constructor(name, argv, { log, cwd, env, life = 120_000, quiet = false }) {
    this.name = name;
    this.log = log;
    this.text = '';
    this.waiting = new Set();
    fs.mkdirSync(path.dirname(log), { recursive: true });
    this.file = fs.createWriteStream(log, { flags: 'a' });
    this.file.write(`$ ${argv.join(' ')}\n`);
    this.process = spawn(argv[0], argv.slice(1), {
      cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.process.stdin.on('error', () => {});
    this.pid = this.process.pid;
    this.exited = new Promise((resolve) => {
      this.process.once('error', (error) => resolve({ error, code: -1 }));
      this.process.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.ended = null;
    this.exited.then((how) => this.#ended(how));
    const take = (chunk) => {
      if (!quiet) this.file.write(chunk);
      this.text = (this.text + chunk.toString('latin1')).slice(-1_000_000);
      for (const look of [...this.waiting]) look();
    };
    this.process.stdout.on('data', take);
    this.process.stderr.on('data', take);
    this.limit = setTimeout(() => this.kill('SIGKILL'), life);
    this.limit.unref();
    running.add(this);
  }

  #ended(how) {
    this.ended = how;
    running.delete(this);
    clearTimeout(this.limit);
    this.file.end(`\n[${how.error?.message ?? `ended: ${how.signal ?? how.code}`}]\n`);
    for (const look of [...this.waiting]) look();
  }

  /** Sends a signal to the process and those it started. */
  kill(signal) {
    if (this.ended || !this.pid) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // It ended in between.
    }
  }

  /** Writes text to its standard input. */
  write(text) {
    this.process.stdin.write(text);
  }

  /** Waits for output that matches `pattern`; fails if the process ends before. */
  line(pattern, ms = 10_000) {
    let look;
    const found = new Promise((resolve, reject) => {
      look = () => {
        const match = pattern.exec(this.text);
        if (match) resolve(match);
        else if (this.ended) {
          reject(new Error(`${this.name} ended before it said ${pattern}; see ${this.log}`));
        }
      };
      this.waiting.add(look);
      look();
    });
    return within(ms, `${this.name} says ${pattern} (see ${this.log})`, found)
      .finally(() => this.waiting.delete(look));
  }

  /** Ends the process: `signal` first, SIGKILL after `grace` milliseconds. */
  async stop(signal = 'SIGTERM', grace = 3_000) {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), grace);
    const how = await this.exited;
    clearTimeout(timer);
    return how;
  }
}

/** Starts a process; `options.log` is its log file, `options.life` its longest life in ms. */
export function start(name, argv, options) {
  return new Child(name, argv, options);
}

/** Runs a process to its end and gives back its exit and output. */
export async function run(name, argv, options) {
  const child = start(name, argv, options);
  child.process.stdin.end();
  const how = await child.exited;
  return { ...how, text: child.text, log: child.log };
}

/** Ends whatever still runs. */
export async function endAll() {
  await Promise.all([...running].map((child) => child.stop('SIGTERM', 2_000)));
}

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** What a case gets: its folder, its log, and a stack of things to put away after it. */
export class Context {
  constructor(name, folder) {
    this.name = name;
    this.folder = folder;
    this.deferred = [];
    this.notes = [];
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
  }

  /** A path in the case's folder. */
  path(...parts) {
    return path.join(this.folder, ...parts);
  }

  /** Writes a line to the case's own log. */
  note(text) {
    this.notes.push(text);
    fs.appendFileSync(this.path('case.log'), `${new Date().toISOString()} ${text}\n`);
  }

  /** Calls `action` when the case is over, the last one first. */
  defer(action) {
    this.deferred.push(action);
  }

  /** Starts a process that ends with the case. */
  start(name, argv, options = {}) {
    const child = start(name, argv, { log: this.path(`${name}.log`), ...options });
    this.defer(() => child.stop());
    return child;
  }

  /** Puts everything away; gives back what went wrong meanwhile. */
  async end() {
    const faults = [];
    for (const action of this.deferred.reverse()) {
      try {
        await within(15_000, 'putting away', Promise.resolve(action()));
      } catch (error) {
        faults.push(error);
      }
    }
    this.deferred = [];
    return faults;
  }
}
