// The gateway under test: the binary, a configuration made for the case, its metrics and ladders.

import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { check, freePort, repository, sleep, until } from './lab.mjs';

/** The binary: `CROSSPOINT_BINARY`, or what `cargo build` made. */
export const binary = process.env.CROSSPOINT_BINARY
  ?? path.join(repository, 'target', 'debug', 'crosspoint');

/** Its version, or null where it is not built. */
export function version() {
  try {
    return execFileSync(binary, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null;
  }
}

const bare = /^[A-Za-z0-9_-]+$/;

function value(x) {
  if (Array.isArray(x)) return `[${x.map(value).join(', ')}]`;
  if (x !== null && typeof x === 'object') {
    return `{ ${Object.entries(x).map(([k, v]) => `${k} = ${value(v)}`).join(', ')} }`;
  }
  return JSON.stringify(x);
}

/** Writes an object as TOML: tables for objects, arrays of tables for arrays of objects. */
export function toml(object, prefix = '') {
  const lines = [];
  const tables = [];
  for (const [key, x] of Object.entries(object)) {
    if (x === undefined) continue;
    const name = prefix + (bare.test(key) ? key : JSON.stringify(key));
    const many = Array.isArray(x) && x.length > 0 && typeof x[0] === 'object';
    if (many) for (const one of x) tables.push(`\n[[${name}]]\n${toml(one, `${name}.`)}`);
    else if (x !== null && typeof x === 'object' && !Array.isArray(x)) {
      tables.push(`\n[${name}]\n${toml(x, `${name}.`)}`);
    } else lines.push(`${key} = ${value(x)}`);
  }
  return `${lines.join('\n')}${lines.length ? '\n' : ''}${tables.join('')}`;
}

/** A running gateway. */
export class Gateway {
  /**
   * Starts one. `config` is merged over a gateway that listens on free ports of loopback and knows
   * the users alice and bob by the tokens `token-alice` and `token-bob`.
   */
  static async start(ctx, {
    config = {}, name = 'gateway', host = '127.0.0.1', port, log = 'debug',
  } = {}) {
    check(fs.existsSync(binary), `there is no ${binary}: build it, or set CROSSPOINT_BINARY`);
    const own = new Gateway();
    Object.assign(own, { ctx, name, host });
    own.httpPort = await freePort();
    own.sipPort = port ?? await freePort(host);
    const shown = host.includes(':') ? `[${host}]` : host;
    own.sip = `${shown}:${own.sipPort}`;
    const user = (who, accounts = []) => ({ name: who, token: `token-${who}`, accounts });
    const users = config.users ?? { alice: ['alice'], bob: ['bob'] };
    const all = {
      server: { listen: [`127.0.0.1:${own.httpPort}`], ...config.server },
      sip: { listen: [`udp:${own.sip}`, `tcp:${own.sip}`], ...config.sip },
      auth: {
        user: Object.entries(users).map(([who, accounts]) => user(who, accounts
          .filter((a) => (config.account ?? []).some((known) => known.name === a)))),
        ...config.auth,
      },
      call: { drain: '1s', ...config.call },
      client: { ...config.client },
      trace: { ...config.trace },
      log: { level: `info,crosspoint=${log}` },
      trunk: config.trunk ?? [],
      account: config.account ?? [],
      route: config.route ?? [],
      xmpp: { ...config.xmpp },
      component: config.component ?? [],
      xmpp_account: config.xmpp_account ?? [],
    };
    for (const key of ['call', 'client', 'trace', 'xmpp']) {
      if (!Object.keys(all[key]).length) delete all[key];
    }
    for (const key of ['trunk', 'account', 'route', 'component', 'xmpp_account']) {
      if (!all[key].length) delete all[key];
    }
    own.file = ctx.path(`${name}.toml`);
    fs.writeFileSync(own.file, toml(all));
    own.url = `http://127.0.0.1:${own.httpPort}/`;
    own.webSocket = `ws://127.0.0.1:${own.httpPort}/ws`;
    own.child = ctx.start(name, [binary, 'run', '--config', own.file], {
      life: 300_000, env: { NO_COLOR: '1', RUST_BACKTRACE: '1' },
    });
    await until(15_000, `the gateway is ready (see ${own.child.log})`, async () => {
      check(!own.child.ended, `the gateway ended at once; see ${own.child.log}`);
      return (await fetch(`${own.url}ready`)).ok;
    });
    ctx.defer(() => own.ladders());
    return own;
  }

  /** A number of `/metrics`, summed over its labels that match `labels`. */
  async metric(name, labels = {}) {
    const text = await (await fetch(`${this.url}metrics`)).text();
    let sum = null;
    for (const line of text.split('\n')) {
      const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (!found || found[1] !== name) continue;
      const has = Object.entries(labels).every(([k, v]) => found[2]?.includes(`${k}="${v}"`));
      if (has) sum = (sum ?? 0) + Number(found[3]);
    }
    return sum;
  }

  /** The ladder of one call, as text. */
  async ladder(call) {
    const answer = await fetch(`${this.url}calls/${encodeURIComponent(call)}`);
    check(answer.ok, `no ladder of ${call}: ${answer.status}`);
    return answer.text();
  }

  /** The ladder of the only call that there was. */
  async onlyLadder() {
    const list = (await (await fetch(`${this.url}calls`)).text()).split('\n').filter(Boolean);
    check(list.length === 1, `there are ${list.length} calls to draw`);
    return this.ladder(/\S+/.exec(list[0])[0]);
  }

  /** Writes the ladders of all calls to the case's folder. */
  async ladders() {
    if (this.child.ended) return;
    const list = await (await fetch(`${this.url}calls`)).text();
    fs.writeFileSync(this.ctx.path(`${this.name}-calls.txt`), list);
    for (const line of list.split('\n').filter(Boolean)) {
      const id = /\S+/.exec(line)[0];
      const answer = await fetch(`${this.url}calls/${encodeURIComponent(id)}`);
      const name = id.replace(/[^\w.-]/g, '_');
      if (answer.ok) {
        fs.writeFileSync(this.ctx.path(`ladder-${name}.txt`), await answer.text());
      }
    }
  }

  /** Whether its log says that something panicked. */
  panicked() {
    return /panicked at/.test(this.child.text);
  }

  /** Ends it as an operator would. */
  async stop(grace = 5_000) {
    await this.ladders().catch(() => {});
    this.child.kill('SIGTERM');
    await sleep(50);
    return this.child.stop('SIGTERM', grace);
  }
}
