// A chat user who does what no client should, by the Python library slixmpp: see misbehave.py.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Cannot, check, interop, until } from '../../src/lab.mjs';

// Debian's own Python, whose package slixmpp is.
const python = '/usr/bin/python3';

/** The installed version, or null. */
export function version() {
  try {
    const argv = ['-W', '-f', '${db:Status-Status} ${Version}', 'python3-slixmpp'];
    const [status, text] = execFileSync('dpkg-query', argv, { encoding: 'utf8', stdio: 'pipe' })
      .split(' ');
    return status === 'installed' ? `slixmpp ${text.split('-')[0]}` : null;
  } catch {
    return null;
  }
}

/** One run of a scenario, as it goes on. */
export class Misbehaving {
  /**
   * Begins `scenario` as `user` of `server` against the address `to`. `sid` and `victim` (a full
   * address) are for `foreign`.
   */
  static async start(ctx, server, scenario, { to, user = 'mallory', sid, victim } = {}) {
    if (!version()) throw new Cannot('slixmpp is not installed (interop/setup.sh)');
    const own = new Misbehaving();
    own.scenario = scenario;
    own.child = ctx.start(`slixmpp-${scenario}`, [
      python, '-u', path.join(interop, 'peers/slixmpp/misbehave.py'), scenario,
      '--jid', `${user}@${server.domain}/bad`, '--password', `pw-${user}`,
      '--port', String(server.clientPort), '--to', to,
      ...(sid ? ['--sid', sid] : []), ...(victim ? ['--victim', victim] : []),
    ], { life: 120_000 });
    return own;
  }

  /** What it told so far. */
  get told() {
    return this.child.text.split('\n').filter((line) => line.startsWith('{"event"'))
      .flatMap((line) => {
        try {
          return [JSON.parse(line)];
        } catch {
          return [];
        }
      });
  }

  /** Waits for something that it tells, by the members of `wanted`. */
  tells(wanted, ms = 15_000) {
    return until(ms, `slixmpp tells ${JSON.stringify(wanted)} (see ${this.child.log})`, () => {
      const found = this.told.find((t) => Object.entries(wanted).every(([k, v]) => t[k] === v));
      check(found || !this.child.ended, 'it has ended');
      return found;
    });
  }

  /** Waits for its end; gives back the replies by their step. */
  async ended(ms = 40_000) {
    const end = await until(ms, `slixmpp ends ${this.scenario} (see ${this.child.log})`, () => (
      this.told.find((t) => t.event === 'end' || t.event === 'lost')
      ?? (this.child.ended && { event: 'lost', why: 'it ended' })));
    check(end.event === 'end', `slixmpp’s own stream was lost: ${end.why}`);
    check(end.alive, 'who was called answers no ping any more');
    const replies = {};
    for (const t of this.told.filter((one) => one.event === 'reply')) replies[t.step] = t;
    return replies;
  }
}
