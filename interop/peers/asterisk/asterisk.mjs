// Asterisk 22 in the lab: its own root, ports and folders, ordered about over its manager port.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {
  Cannot, check, interop, labFolder, runId, sleep, start, until, within,
} from '../../src/lab.mjs';
import { hear, readSlin, writeTone } from '../../src/tone.mjs';
import { certificates } from '../../src/certificates.mjs';

const root = path.join(labFolder, 'asterisk', 'root');
const inside = '/var/crosspoint';
const RECORDED_RATE = 48_000;

/** The version of the Asterisk that is installed in the lab, or null. */
export function version() {
  try {
    const text = fs.readFileSync(path.join(root, '.crosspoint-complete'), 'utf8');
    return /Asterisk (\d+\.\d+\.\d+)/.exec(text)[0];
  } catch {
    return null;
  }
}

/** One connection to the manager port: actions, their responses, and events. */
class Manager {
  constructor(socket) {
    this.socket = socket;
    this.text = '';
    this.next = 1;
    this.waiting = new Map();
    this.events = [];
    this.problem = null;
    socket.on('data', (chunk) => this.#take(chunk.toString('utf8')));
    socket.on('error', (error) => { this.problem = error; });
  }

  static async connect(port) {
    const socket = net.connect(port, '127.0.0.1');
    await within(5_000, 'a connection to the manager port', new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    }));
    const manager = new Manager(socket);
    await manager.action({ Action: 'Login', Username: 'lab', Secret: 'lab' });
    return manager;
  }

  #take(text) {
    this.text += text;
    for (;;) {
      const end = this.text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const block = this.text.slice(0, end);
      this.text = this.text.slice(end + 4);
      const fields = { output: [] };
      for (const line of block.split('\r\n')) {
        const colon = line.indexOf(': ');
        if (colon < 0) continue;
        const key = line.slice(0, colon);
        if (key === 'Output') fields.output.push(line.slice(colon + 2));
        else fields[key] = line.slice(colon + 2);
      }
      const wanted = fields.ActionID && fields.Response ? this.waiting.get(fields.ActionID) : null;
      if (wanted) wanted(fields);
      else if (fields.Event) this.events = [...this.events.slice(-2_000), fields];
    }
  }

  async action(fields, ms = 10_000) {
    const id = String(this.next);
    this.next += 1;
    const answer = new Promise((resolve) => { this.waiting.set(id, resolve); });
    const lines = Object.entries({ ...fields, ActionID: id }).map(([k, v]) => `${k}: ${v}`);
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const response = await within(ms, `an answer to ${fields.Action}`, answer);
    this.waiting.delete(id);
    check(response.Response !== 'Error', `${fields.Action}: ${response.Message}`);
    return response;
  }
}

/** A running Asterisk. */
export class Asterisk {
  /** Starts it with its log in `folder`; null ports mean the usual ones. */
  static async start({
    folder, port = 5160, tlsPort = 5161, relayedPort = 5162, relayPort = 5170, amiPort = 5038, trunk,
  }) {
    if (!version()) throw new Cannot('Asterisk is not installed in the lab (interop/setup.sh)');
    const own = new Asterisk();
    Object.assign(own, { folder, port, tlsPort, relayedPort, relayPort });
    Object.assign(own, { host: '127.0.0.1', log: `${folder}/asterisk.log` });
    own.run = `${inside}/${runId}`;
    own.outside = path.join(root, own.run);
    fs.rmSync(own.outside, { recursive: true, force: true });
    for (const dir of ['etc', 'lib/moh', 'spool', 'run', 'log', 'rec']) {
      fs.mkdirSync(path.join(own.outside, dir), { recursive: true });
    }
    writeTone(path.join(own.outside, 'lib/moh/hold.wav'), 333, { seconds: 10, rate: 8_000 });
    const keys = await certificates();
    fs.copyFileSync(keys.server.certificate, path.join(own.outside, 'etc/asterisk.pem'));
    fs.copyFileSync(keys.server.key, path.join(own.outside, 'etc/asterisk.key'));
    own.ca = keys.ca;
    const machine = fs.readdirSync(path.join(root, 'usr/lib'))
      .find((d) => fs.existsSync(path.join(root, 'usr/lib', d, 'asterisk/modules')));
    const values = {
      RUN: own.run,
      MODULES: `/usr/lib/${machine}/asterisk/modules`,
      HOST: own.host,
      PORT: port,
      TLS_PORT: tlsPort,
      RELAYED_PORT: relayedPort,
      RELAY_PORT: relayPort,
      AMI_PORT: amiPort,
      RTP_FIRST: 20_000,
      RTP_LAST: 20_999,
      TRUNK_HOST: trunk?.host ?? '127.0.0.5',
      TRUNK_PORT: trunk?.port ?? 5060,
    };
    const etc = path.join(interop, 'peers/asterisk/etc');
    for (const name of fs.readdirSync(etc)) {
      const text = fs.readFileSync(path.join(etc, name), 'utf8')
        .replace(/\{\{(\w+)\}\}/g, (_, key) => {
          check(key in values, `${name} names {{${key}}}, which nobody sets`);
          return values[key];
        });
      fs.writeFileSync(path.join(own.outside, 'etc', name), text);
    }
    const script = 'mount --bind /proc "$1/proc"; mount --bind /dev "$1/dev"\n'
      + 'for f in resolv.conf hosts; do\n'
      + '  [ -e "$1/etc/$f" ] || : > "$1/etc/$f"; mount --bind "$3/$f" "$1/etc/$f"\n'
      + 'done\n'
      + 'exec chroot "$1" /usr/sbin/asterisk -f -C "$2/etc/asterisk.conf"';
    const names = own.#names();
    own.child = start('asterisk', [
      'unshare', '--mount', 'bash', '-euc', script, '-', root, own.run, names,
    ], { log: own.log, life: 3_600_000 });
    try {
      own.manager = await until(40_000, 'Asterisk takes orders', async () => {
        if (own.child.ended) return 'ended';
        return Manager.connect(amiPort);
      }, 100);
      check(own.manager !== 'ended', `Asterisk ended at once; see ${own.log}`);
      // Orders are taken before all of them are known.
      await until(30_000, 'Asterisk has booted', () => own.command('core waitfullybooted', 30_000));
      const said = await until(10_000, 'Asterisk says what it is', () => (
        own.command('core show version')));
      own.version = /Asterisk \d+\.\d+\.\d+/.exec(said)?.[0] ?? said.trim();
    } catch (error) {
      await own.stop();
      throw error;
    }
    return own;
  }

  /** Names that resolve at once: an unanswered look-up stalls every INVITE for 20 s. */
  #names() {
    const folder = path.join(this.folder, 'names');
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
    const own = fs.readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
    fs.writeFileSync(path.join(folder, 'hosts'), `127.0.0.1 localhost\n127.0.0.1 ${own}\n`);
    return folder;
  }

  /** Runs a command of Asterisk's own console and gives back its output. */
  async command(text, ms = 10_000) {
    const said = await this.manager.action({ Action: 'Command', Command: text }, ms);
    return said.output.join('\n');
  }

  /** The contacts registered for `user`. */
  async contacts(user) {
    const said = await this.command(`pjsip show aor ${user}`).catch(() => '');
    return [...said.matchAll(/Contact:\s+\S+\/(sips?:\S+)/g)].map((m) => m[1]);
  }

  /** Waits until `user` is registered. */
  registered(user, ms = 10_000) {
    return until(ms, `${user} is registered at Asterisk`, async () => {
      const all = await this.contacts(user);
      return all.length > 0 && all;
    }, 100);
  }

  /** Calls `channel` (`PJSIP/gw1`); whoever answers is connected to `extension`. */
  originate({ channel, extension, callerId = 'Lab <1000>', timeout = 30_000, variables = {} }) {
    const vars = Object.entries(variables).map(([k, v]) => `${k}=${v}`).join(',');
    return this.manager.action({
      Action: 'Originate',
      Channel: channel,
      Context: 'lab',
      Exten: extension,
      Priority: 1,
      CallerID: callerId,
      Timeout: timeout,
      Async: 'true',
      ...(vars ? { Variable: vars } : {}),
    });
  }

  /** The channels that are up. */
  async channels() {
    const said = await this.command('core show channels concise');
    return said.split('\n').filter((line) => line.includes('!'))
      .map((line) => line.split('!')[0]);
  }

  /** Hangs up every channel of `user`. */
  async hangup(user) {
    for (const channel of await this.channels()) {
      if (channel.startsWith(`PJSIP/${user}-`)) {
        await this.manager.action({ Action: 'Hangup', Channel: channel, Cause: 16 });
      }
    }
  }

  /** Waits until no channel of `user` is left. */
  gone(user, ms = 5_000) {
    return until(ms, `Asterisk has no channel of ${user} left`, async () => (
      !(await this.channels()).some((c) => c.startsWith(`PJSIP/${user}-`))), 100);
  }

  /** Events of the manager that match `fields`. */
  events(fields) {
    return this.manager.events
      .filter((e) => Object.entries(fields).every(([k, v]) => e[k] === v));
  }

  /** What Asterisk heard while it played `hz` (extension `8<hz>`), from second `from` on. */
  heard(hz, from = 0) {
    const pcm = readSlin(this.recording(hz));
    return hear(pcm.subarray(Math.round(from * RECORDED_RATE)), RECORDED_RATE);
  }

  /** Seconds recorded so far by extension `8<hz>`; what is heard now is there 0.4 s later. */
  recorded(hz) {
    const file = fs.statSync(this.recording(hz), { throwIfNoEntry: false });
    return file ? file.size / 2 / RECORDED_RATE : 0;
  }

  /** The file in which extension `8<hz>` records. */
  recording(hz) {
    return path.join(this.outside, 'rec', `${hz}.sln48`);
  }

  /** Turns the log of SIP messages on; with CROSSPOINT_LAB_DEBUG, that of RTP and DTLS as well. */
  async trace() {
    await this.command('pjsip set logger on');
    if (process.env.CROSSPOINT_LAB_DEBUG) {
      await this.command('core set debug 4 res_rtp_asterisk.so');
      await this.command('rtp set debug on');
    }
  }

  /** Ends it. */
  async stop() {
    if (this.manager && !this.child.ended) {
      this.manager.socket.write('Action: Command\r\nCommand: core stop now\r\n\r\n');
      await Promise.race([this.child.exited, sleep(3_000)]);
    }
    this.manager?.socket.destroy();
    await this.child?.stop();
    fs.rmSync(this.outside, { recursive: true, force: true });
  }
}

/** Starts it; part of every peer's face. */
export const startPeer = (options) => Asterisk.start(options);
