// Kamailio in the lab: a registrar and proxy with a configuration of its own (kamailio.cfg), asked
// over JSON-RPC. What it got and sent is in the case's folder, message by message.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {
  Cannot, address, check, freePort, interop, until,
} from '../../src/lab.mjs';

// Not everybody's PATH has this folder.
const program = ['/usr/sbin/kamailio', '/usr/local/sbin/kamailio'].find(fs.existsSync);

/** The installed version, or null. */
export function version() {
  try {
    const text = execFileSync(program, ['-v'], { encoding: 'utf8', stdio: 'pipe' });
    return `Kamailio ${/kamailio (\d+\.\d+\.\d+)/.exec(text)[1]}`;
  } catch {
    return null;
  }
}

/** A running Kamailio. Everybody's password is `pw-` and the name, the domain is `lab.test`. */
export class Kamailio {
  /** Starts one; `rtpengine` is one that runs, `expires` the longest registration in seconds. */
  static async start(ctx, {
    name = 'kamailio', rtpengine, algorithm = 'MD5', expires = 3600,
  } = {}) {
    if (!version()) throw new Cannot('Kamailio is not installed (interop/setup.sh)');
    const own = new Kamailio();
    Object.assign(own, { ctx, name, host: address, folder: ctx.path(name), starts: 0 });
    fs.mkdirSync(own.folder, { recursive: true });
    own.port = await freePort(address);
    own.adminPort = await freePort();
    const values = {
      HOST: own.host,
      PORT: own.port,
      ADMIN_PORT: own.adminPort,
      FOLDER: own.folder,
      ALGORITHM: algorithm,
      EXPIRES: expires,
      RTPENGINE_PORT: rtpengine?.port ?? 9,
    };
    const text = fs.readFileSync(path.join(interop, 'peers/kamailio/kamailio.cfg'), 'utf8')
      .replace(/\{\{(\w+)\}\}/g, (_, key) => {
        check(key in values, `kamailio.cfg names {{${key}}}, which nobody sets`);
        return values[key];
      });
    own.file = path.join(own.folder, 'kamailio.cfg');
    fs.writeFileSync(own.file, text);
    await own.begin();
    return own;
  }

  /** Starts the process: at first, and after `stop`. */
  async begin() {
    this.starts += 1;
    this.child = this.ctx.start(`${this.name}-${this.starts}`, [
      program, '-DD', '-E', '-f', this.file, '-Y', this.folder, '-m', '32', '-M', '8',
    ], { life: 180_000 });
    await until(10_000, `Kamailio takes orders (see ${this.child.log})`, async () => {
      check(!this.child.ended, `Kamailio ended at once; see ${this.child.log}`);
      return this.ask('core.version');
    });
  }

  /** Ends the process; what it knew of contacts is gone with it. */
  async stop() {
    await this.child.stop();
  }

  /** Calls a method of its JSON-RPC; gives back the result, and throws its error. */
  async ask(method, ...params) {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const reply = await answer.json();
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  }

  /** The addresses of the contacts that `user` has registered. */
  async contacts(user) {
    const found = await this.ask('ul.lookup', 'location', user).catch(() => null);
    return (found?.Contacts ?? []).map(({ Contact }) => Contact.Address);
  }

  /** Waits until `user` has `count` contacts. */
  registered(user, count = 1, ms = 10_000) {
    return until(ms, `Kamailio knows ${count} contacts of ${user}`, async () => (
      (await this.contacts(user)).length === count));
  }

  /** The messages that it got (`rcv`) and sent (`snd`) so far, in order: `{ way, text }`. */
  messages() {
    return fs.readdirSync(this.folder).filter((f) => f.startsWith('messages-')).sort()
      .map((f) => fs.readFileSync(path.join(this.folder, f), 'latin1'))
      .join('')
      .split(/^={20}\r?\n/m)
      .slice(1)
      .map((block) => ({
        way: /^tag: (\w+)/m.exec(block)?.[1],
        proto: /^proto: (\w+)/m.exec(block)?.[1],
        text: /^~{20}\r?\n([^]*?)\r?\n\|{20}/m.exec(block)?.[1] ?? '',
      }));
  }

  /** The messages of `way` whose text matches `pattern`. */
  said(way, pattern) {
    return this.messages().filter((m) => m.way === way && pattern.test(m.text));
  }

  /** The same, when there are `count` at least: they are written a little later. */
  async shows(way, pattern, count = 1) {
    return until(2_000, `Kamailio ${way === 'rcv' ? 'got' : 'sent'} ${pattern}`, () => {
      const found = this.said(way, pattern);
      return found.length >= count && found;
    });
  }
}

/** Starts it; part of every peer's face. */
export const startPeer = (ctx, options) => Kamailio.start(ctx, options);
