// baresip in the lab: a phone that speaks SIP with plain RTP or with ICE and DTLS-SRTP.
//
// It plays a tone from a file, writes what it hears to a file, and takes its orders (dial, accept,
// hold, hang up) as JSON over a TCP connection.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {
  Cannot, address, address6, check, freePort, interop, until, within,
} from '../../src/lab.mjs';
import { hear, readWav, writeTone } from '../../src/tone.mjs';
import { certificates } from '../../src/certificates.mjs';

/** The installed version, or null. */
export function version() {
  try {
    const text = execFileSync('baresip', ['-h'], { encoding: 'utf8', stdio: 'pipe' });
    return /baresip v[\d.]+/.exec(text)[0].replace(' v', ' ');
  } catch (error) {
    const found = /baresip v[\d.]+/.exec(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    return found ? found[0].replace(' v', ' ') : null;
  }
}

function modulesFolder() {
  return ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'].find(fs.existsSync);
}

/** A running baresip with one account. */
export class Baresip {
  /**
   * Starts one. `account` is the address in angle brackets with its parameters, as baresip's own
   * `accounts` file has it; `webrtc` adds ICE and DTLS-SRTP; `tone` is what it plays, in hertz.
   */
  static async start(ctx, {
    name = 'baresip', user = 'phone', account, password, server, webrtc = true, tone = 700,
    answer = 'manual', host = address, transport = 'udp', codecs = 'opus/48000/2,pcmu/8000/1',
    arguments: more = [],
  } = {}) {
    const installed = version();
    if (!installed) throw new Cannot('baresip is not installed (interop/setup.sh)');
    const own = new Baresip();
    own.version = installed;
    own.ctx = ctx;
    own.tone = tone;
    own.folder = ctx.path(name);
    fs.mkdirSync(own.folder, { recursive: true });
    own.port = await freePort(net.isIPv6(host) ? '::1' : '127.0.0.1');
    own.control = await freePort();
    const shown = net.isIPv6(host) ? `[${host}]` : host;
    own.uri = `sip:${user}@${shown}:${own.port}`;
    const keys = await certificates();
    const opus = codecs.startsWith('opus');
    const first = 30_000 + (own.control % 200) * 100;
    const values = {
      LISTEN: `${shown}:${own.port}`,
      CA: keys.ca,
      SOUND: own.#sound(tone, opus),
      CHANNELS: opus ? 2 : 1,
      RTCP_MUX: webrtc ? 'yes' : 'no',
      RTP_PORTS: `${first}-${first + 98}`,
      MODULES: modulesFolder(),
      CONTROL_PORT: own.control,
    };
    const text = fs.readFileSync(path.join(interop, 'peers/baresip/config'), 'utf8')
      .replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]);
    fs.writeFileSync(path.join(own.folder, 'config'), text);
    const at = account ?? (server ? `sip:${user}@${server}` : own.uri);
    const parameters = [
      webrtc ? 'medianat=ice;mediaenc=dtls_srtp' : '',
      `answermode=${answer}`,
      `audio_codecs=${codecs}`,
      password ? `auth_user=${user};auth_pass=${password}` : '',
      server ? 'regint=60' : 'regint=0',
    ].filter(Boolean).join(';');
    const uri = transport === 'udp' ? at : `${at};transport=${transport}`;
    fs.writeFileSync(path.join(own.folder, 'accounts'), `<${uri}>;${parameters}\n`);
    fs.writeFileSync(path.join(own.folder, 'contacts'), '');
    own.child = ctx.start(name, [
      'baresip', net.isIPv6(host) ? '-6' : '-4', '-f', own.folder, '-s', ...more,
    ], { life: 180_000, cwd: own.folder });
    await own.child.line(/baresip is ready/, 10_000);
    own.socket = await until(5_000, 'baresip takes orders', () => new Promise((resolve, reject) => {
      const socket = net.connect(own.control, '127.0.0.1', () => resolve(socket));
      socket.once('error', reject);
    }));
    ctx.defer(() => own.socket.destroy());
    own.events = [];
    own.replies = [];
    own.#read();
    return own;
  }

  /** The file to play: a tone in as many channels as the codec takes. */
  #sound(hz, opus) {
    const file = path.join(this.folder, 'tone.wav');
    writeTone(file, hz, { seconds: 20, channels: opus ? 2 : 1, level: 0.4 });
    return file;
  }

  /** Reads netstrings of JSON: events and replies. */
  #read() {
    let text = '';
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const head = /^(\d+):/.exec(text);
        if (!head) return;
        const end = head[0].length + Number(head[1]);
        if (text.length < end + 1) return;
        const message = JSON.parse(text.slice(head[0].length, end));
        text = text.slice(end + 1);
        this.ctx.note(`${path.basename(this.folder)}: ${JSON.stringify(message)}`);
        if (message.response) this.replies.push(message);
        else this.events.push(message);
      }
    });
  }

  /** Gives an order: `dial`, `accept`, `hangup`, `hold`, `resume` … */
  async order(command, params) {
    const token = `${this.replies.length}-${command}`;
    const body = JSON.stringify({ command, ...(params ? { params } : {}), token });
    this.socket.write(`${body.length}:${body},`);
    const reply = await until(5_000, `baresip answers ${command}`, () => this.replies
      .find((r) => r.token === token), 20);
    check(reply.ok, `baresip refused ${command}: ${reply.data}`);
    return reply.data ?? '';
  }

  /** Waits for an event such as `CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED`. */
  event(type, ms = 10_000, skip = 0) {
    return until(ms, `baresip has ${type} (see ${this.child.log})`, () => this.events
      .filter((e) => e.type === type)[skip], 20);
  }

  /** Calls `uri`. */
  dial(uri) {
    return this.order('dial', uri);
  }

  /** Waits until its account is registered. */
  registered(ms = 10_000) {
    // Not by its event, which may come before anybody listens.
    return this.child.line(/registered successfully/, ms);
  }

  /** The files with what it heard, the latest last. */
  recordings() {
    return fs.readdirSync(this.folder).filter((f) => /^dump-.*-dec\.wav$/.test(f)).sort()
      .map((f) => path.join(this.folder, f));
  }

  /** What it hears: `last` seconds up to now, or everything. */
  heard(last) {
    const file = this.recordings().at(-1);
    check(file, `baresip wrote no sound (see ${this.child.log})`);
    const { pcm, rate } = readWav(file);
    const from = last ? Math.max(0, pcm.length - Math.round(last * rate)) : 0;
    return hear(pcm.subarray(from), rate);
  }

  /** Waits until it has recorded `seconds` of sound. */
  recorded(seconds, ms = 15_000) {
    return until(ms, `baresip hears ${seconds} s`, () => {
      const file = this.recordings().at(-1);
      if (!file) return false;
      const { pcm, rate } = readWav(file);
      return pcm.length / rate >= seconds;
    }, 200);
  }

  /** Ends it. */
  async stop() {
    this.socket?.destroy();
    await within(5_000, 'baresip ends', this.child.stop());
  }
}

/** Starts it; part of every peer's face. */
export const startPeer = (ctx, options) => Baresip.start(ctx, options);
/** Its address for IPv6 cases. */
export const six = address6;
