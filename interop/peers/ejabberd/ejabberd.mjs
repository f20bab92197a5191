// ejabberd in the lab: a chat server of its own for each case, which can be killed and started again.
//
// It runs in the lab's process, as one Erlang machine without a name: `ejabberdctl` would become
// another user, who may not read the lab's folder, and need the daemon that knows Erlang's names.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Cannot, check, freePort, interop, until } from '../../src/lab.mjs';
import { certificates } from '../../src/certificates.mjs';
import { open } from '../../src/chat.mjs';

/** The installed version, or null. */
export function version() {
  try {
    const argv = ['-W', '-f', '${db:Status-Status} ${Version}', 'ejabberd'];
    const [status, text] = execFileSync('dpkg-query', argv, { encoding: 'utf8', stdio: 'pipe' })
      .split(' ');
    return status === 'installed' ? `ejabberd ${text.split('-')[0]}` : null;
  } catch {
    return null;
  }
}

/** Where Debian puts Erlang's libraries. */
function libraries() {
  const all = fs.readdirSync('/usr/lib').map((name) => path.join('/usr/lib', name));
  const has = (folder) => fs.existsSync(folder)
    && fs.readdirSync(folder).some((name) => name.startsWith('ejabberd-'));
  return all.find((folder) => /-linux-gnu/.test(folder) && has(folder));
}

/** A running ejabberd with the domain xmpp.test. */
export class Ejabberd {
  /**
   * Starts one; `components` are domains by secret, by TLS where `tls` is set; `users` have the
   * passwords `pw-NAME`.
   */
  static async start(ctx, { components = {}, tls = false, users = ['alice', 'bob'] } = {}) {
    if (!version()) throw new Cannot('ejabberd is not installed (interop/setup.sh)');
    const own = new Ejabberd();
    Object.assign(own, { ctx, kind: 'ejabberd', domain: 'xmpp.test' });
    own.clientPort = await freePort();
    own.componentPort = await freePort();
    own.httpPort = await freePort();
    own.folder = ctx.path('ejabberd');
    own.file = path.join(own.folder, 'ejabberd.yml');
    fs.mkdirSync(path.join(own.folder, 'spool'), { recursive: true });
    const { ca, server } = await certificates();
    const pem = path.join(own.folder, 'server.pem');
    fs.writeFileSync(pem, [server.certificate, server.key]
      .map((file) => fs.readFileSync(file, 'utf8')).join(''));
    const [secret = 'nobody', ...others] = new Set(Object.values(components));
    check(!others.length, 'ejabberd has one secret for all components of the lab');
    const values = {
      PEM: pem,
      CA: ca,
      CLIENT_PORT: own.clientPort,
      COMPONENT_PORT: own.componentPort,
      COMPONENT_TLS: tls,
      HTTP_PORT: own.httpPort,
      SECRET: secret,
    };
    const text = fs.readFileSync(path.join(interop, 'peers/ejabberd/ejabberd.yml'), 'utf8');
    fs.writeFileSync(own.file, text.replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]));
    await own.run();
    for (const user of users) {
      const answer = await fetch(`http://127.0.0.1:${own.httpPort}/api/register`, {
        method: 'POST',
        body: JSON.stringify({ user, host: own.domain, password: `pw-${user}` }),
      });
      check(answer.ok, `ejabberd does not register ${user}: ${await answer.text()}`);
    }
    return own;
  }

  /** Starts the process: at first, and after `kill`. */
  async run() {
    this.child = this.ctx.start('ejabberd', [
      'erl', '-noinput', '-mnesia', 'dir', `"${path.join(this.folder, 'spool')}"`, '-s', 'ejabberd',
    ], {
      life: 300_000,
      cwd: this.folder,
      env: {
        ERL_LIBS: libraries(),
        EJABBERD_CONFIG_PATH: this.file,
        EJABBERD_LOG_PATH: path.join(this.folder, 'ejabberd.log'),
        ERL_CRASH_DUMP: path.join(this.folder, 'crash.dump'),
        HOME: this.folder,
      },
    });
    await until(40_000, `ejabberd is ready (see ${this.child.log})`, async () => {
      check(!this.child.ended, `ejabberd ended at once; see ${this.child.log}`);
      return await open(this.clientPort) && await open(this.componentPort) && open(this.httpPort);
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
