// SIPp in the lab: a peer with whatever manners a case needs.
//
// A scenario is an XML file of SIPp's in scenarios/, in which {{…}} stands for what would otherwise
// be repeated in each: header fields of a reply, descriptions, the Contact.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Cannot, check, freePort, interop, sleep, until, within } from '../../src/lab.mjs';

const folder = path.join(interop, 'peers', 'sipp', 'scenarios');
const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i * 7 + 16).toString(16).toUpperCase()
  .padStart(2, '0')).join(':');

/** The installed version, or null. */
export function version() {
  try {
    execFileSync('sipp', ['-v'], { stdio: 'pipe' });
    return 'SIPp';
  } catch (error) {
    const found = /SIPp v[\d.]+/.exec(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    return found ? found[0].replace(' v', ' ') : null;
  }
}

/** A description of WebRTC audio as a plain SIP peer might write it: nobody answers its checks. */
export function description({
  session, direction = 'sendrecv', setup, version: v = 1, codec = 'opus', video,
}) {
  const opus = codec === 'opus';
  return [
    'v=0', `o=sipp ${session} ${v} IN IP4 127.0.0.1`, 's=-', 't=0 0', 'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${opus ? '111 126' : '0 126'}`, 'c=IN IP4 127.0.0.1',
    opus ? 'a=rtpmap:111 opus/48000/2' : 'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:126 telephone-event/8000', 'a=mid:0', 'a=rtcp-mux', `a=${direction}`,
    `a=setup:${setup}`, `a=fingerprint:sha-256 ${FINGERPRINT}`, `a=ice-ufrag:u${session}`,
    `a=ice-pwd:pwd${session}pwdpwdpwdpwdpwdpwdpwd`,
    `a=candidate:1 1 udp 2130706431 127.0.0.1 ${40_000 + (session % 1000)} typ host`,
    'a=end-of-candidates',
    ...(video === undefined ? [] : [
      `m=video ${video} UDP/TLS/RTP/SAVPF 96`, 'c=IN IP4 127.0.0.1', 'a=rtpmap:96 VP8/90000',
      'a=mid:1', 'a=rtcp-mux', `a=${video === 0 ? 'inactive' : 'sendrecv'}`, `a=setup:${setup}`,
      `a=fingerprint:sha-256 ${FINGERPRINT}`, `a=ice-ufrag:u${session}`,
      `a=ice-pwd:pwd${session}pwdpwdpwdpwdpwdpwdpwd`,
    ]),
    '',
  ].join('\n');
}

const REPLY = ['[last_Via:]', '[last_From:]', '[last_To:];tag={{TAG}}', '[last_Call-ID:]',
  '[last_CSeq:]'].join('\n');
const MACROS = {
  // To a request that begins a dialog, and to one within it.
  REPLY,
  'REPLY-A': REPLY.replace('{{TAG}}', 'a[call_number]'),
  'REPLY-B': REPLY.replace('{{TAG}}', 'b[call_number]'),
  WITHIN: ['[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]']
    .join('\n'),
  TAG: 't[call_number]',
  HEADER: 'Server: SIPp',
  END: 'Content-Length: 0\n',
  SDP: 'Content-Type: application/sdp\nContent-Length: [len]\n',
  ANSWER: description({ session: 101, setup: 'passive' }),
  'ANSWER-AGAIN': description({ session: 101, setup: 'passive', version: 2 }),
  'ANSWER-OTHER': description({ session: 202, setup: 'passive', codec: 'pcmu' }),
  'ANSWER-HELD': description({
    session: 101, setup: 'passive', version: 2, direction: 'recvonly',
  }),
  'ANSWER-NO-VIDEO': description({ session: 101, setup: 'passive', version: 2, video: 0 }),
  OFFER: description({ session: 303, setup: 'actpass' }),
  'OFFER-HOLD': description({
    session: 303, setup: 'actpass', version: 2, direction: 'sendonly',
  }),
  'OFFER-VIDEO': description({ session: 303, setup: 'actpass', version: 2, video: 9 }),
  'OFFER-RESUME': description({ session: 303, setup: 'actpass', version: 3 }),
};

/** A running SIPp with one scenario. */
export class Sipp {
  /**
   * Starts `scenario`. As a caller, `to` is the address it sends to and `user` whom it calls. As a
   * callee, `contactPort` is told in its Contact where that is not its own port. `values` are more
   * of what {{…}} stands for.
   */
  static async start(ctx, scenario, {
    name = scenario, to, user = 'bob', transport = 'udp', contactPort, elsewhere, values: more = {},
    life = 40, calls = 1,
  } = {}) {
    const installed = version();
    if (!installed) throw new Cannot('SIPp is not installed (interop/setup.sh)');
    const own = new Sipp();
    Object.assign(own, { ctx, name, version: installed, transport });
    own.port = await freePort();
    const tcp = transport === 'tcp';
    const values = {
      ...MACROS,
      USER: user,
      CONTACT: `Contact: <sip:sipp@127.0.0.1:${contactPort ?? own.port}`
        + `${tcp ? ';transport=tcp' : ''}>`,
      ELSEWHERE: elsewhere ?? 9,
      OUR: `127.0.0.1:${own.port}`,
      ...more,
    };
    let text = fs.readFileSync(path.join(folder, `${scenario}.xml`), 'utf8');
    for (let depth = 0; depth < 3; depth += 1) {
      text = text.replace(/\{\{([A-Z-]+)\}\}/g, (_, key) => {
        check(key in values, `${scenario}.xml names {{${key}}}, which nobody sets`);
        return values[key];
      });
    }
    own.file = ctx.path(`${name}.xml`);
    fs.writeFileSync(own.file, text);
    own.child = ctx.start(name, [
      'sipp', ...(to ? [to] : []), '-sf', own.file, '-i', '127.0.0.1', '-p', String(own.port),
      '-t', tcp ? 't1' : 'u1', '-m', String(calls), '-nostdin', '-timeout', `${life}s`,
      '-timeout_error', '-trace_msg', '-message_file', ctx.path(`${name}.messages`),
      '-trace_err', '-error_file', ctx.path(`${name}.errors`),
      ...(to ? ['-l', '1', '-r', '1'] : []),
    ], { life: (life + 5) * 1000, cwd: ctx.folder, env: { TERM: 'dumb' } });
    if (!to) await own.#listens();
    return own;
  }

  /** Waits until its port is bound. */
  #listens() {
    const hex = `:${this.port.toString(16).toUpperCase().padStart(4, '0')} `;
    const table = `/proc/net/${this.transport}`;
    return until(5_000, `${this.name} listens`, () => {
      check(!this.child.ended, `${this.name} ended at once; see ${this.child.log}`);
      return fs.readFileSync(table, 'utf8').includes(hex);
    }, 20);
  }

  /** All messages that it sent and got so far. */
  messages() {
    try {
      return fs.readFileSync(this.ctx.path(`${this.name}.messages`), 'utf8');
    } catch {
      return '';
    }
  }

  /** How often `pattern` is in its messages. */
  count(pattern) {
    return [...this.messages().matchAll(new RegExp(pattern, 'g'))].length;
  }

  /** Waits for its end, and fails unless the scenario went as written. */
  async passed(ms = 40_000) {
    const how = await within(ms, `${this.name} (SIPp) ends`, this.child.exited);
    await sleep(20);
    if (how.code === 0) return;
    let why = '';
    try {
      const text = fs.readFileSync(this.ctx.path(`${this.name}.errors`), 'utf8');
      why = text.split('\n').filter(Boolean)[0]?.replace(/^.*?\d{2}:\d{2}:\d{2}\S*\s*/, '') ?? '';
    } catch {
      // It wrote none.
    }
    throw new Error(`${this.name} (SIPp) did not go as written: ${why.slice(0, 300)}`);
  }
}

/** Starts it; part of every peer's face. */
export const startPeer = (ctx, scenario, options) => Sipp.start(ctx, scenario, options);
