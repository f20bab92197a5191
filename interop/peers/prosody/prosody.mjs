// Prosody in the lab: a chat server of its own for each case, which can be killed and started again.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Cannot, check, freePort, interop, until } from '../../src/lab.mjs';
import { certificates } from '../../src/certificates.mjs';
import { open } from '../../src/chat.mjs';

/** The installed version, or null. Prosody itself is not asked: without a folder it would start. */
export function version() {
  try {
    const argv = ['-W', '-f', '${db:Status-Status} ${Version}', 'prosody'];
    const [status, text] = execFileSync('dpkg-query', argv, { encoding: 'utf8', stdio: 'pipe' })
      .split(' ');
    return status === 'installed' ? `Prosody ${text.split('-')[0]}` : null;
  } catch {
    return null;
  }
}

/** A running Prosody with the domain xmpp.test. */
export class Prosody {
  /** Starts one; `components` are domains by secret, `users` have the passwords `pw-NAME`. */
  static async start(ctx, { components = {}, users = ['alice', 'bob'] } = {}) {
    if (!version()) throw new Cannot('Prosody is not installed (interop/setup.sh)');
    const own = new Prosody();
    Object.assign(own, { ctx, kind: 'prosody', domain: 'xmpp.test', components });
    own.clientPort = await freePort();
    own.componentPort = await freePort();
    own.httpPort = await freePort();
    own.folder = ctx.path('prosody');
    own.file = path.join(own.folder, 'prosody.cfg.lua');
    fs.mkdirSync(path.join(own.folder, 'data'), { recursive: true });
    const { server } = await certificates();
    const values = {
      FOLDER: own.folder,
      CLIENT_PORT: own.clientPort,
      COMPONENT_PORT: own.componentPort,
      HTTP_PORT: own.httpPort,
      KEY: server.key,
      CERTIFICATE: server.certificate,
      COMPONENTS: Object.entries(components)
        .map(([domain, secret]) => `Component "${domain}"\n  component_secret = "${secret}"\n`)
        .join(''),
    };
    const text = fs.readFileSync(path.join(interop, 'peers/prosody/prosody.cfg.lua'), 'utf8');
    fs.writeFileSync(own.file, text.replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]));
    for (const user of users) {
      execFileSync('prosodyctl', [
        '--config', own.file, 'register', user, own.domain, `pw-${user}`,
      ], { stdio: 'pipe', timeout: 15_000 });
    }
    await own.run();
    return own;
  }

  /** Starts the process: at first, and after `kill`. */
  async run() {
    this.child = this.ctx.start('prosody', ['prosody', '--config', this.file, '-F'], {
      life: 300_000,
    });
    await until(15_000, `Prosody is ready (see ${this.child.log})`, async () => {
      check(!this.child.ended, `Prosody ended at once; see ${this.child.log}`);
      // Where there are no components their port is not opened.
      const ports = [this.clientPort, this.httpPort];
      if (Object.keys(this.components).length) ports.push(this.componentPort);
      return (await Promise.all(ports.map(open))).every(Boolean);
    });
  }

  /** Ends it as a power cut would. */
  async kill() {
    await this.child.stop('SIGKILL');
  }

  /** Where a client in a browser or in Node.js connects. */
  get webSocket() {
    return `ws://127.0.0.1:${this.httpPort}/xmpp-websocket`;
  }
}
