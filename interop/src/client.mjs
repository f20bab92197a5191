// A client of the JSON protocol without a browser: for peers whose sound is of no interest, and for
// what no browser would do.

import fs from 'node:fs';
import WebSocket from 'ws';
import { check, until, within } from './lab.mjs';

/** A description of WebRTC audio as a browser writes it; nobody answers its checks. */
export function description({ direction = 'sendrecv', setup = 'actpass', version = 2, mid = '0',
  pt = 111, codec = 'opus/48000/2', more = false, video } = {}) {
  const print = Array.from({ length: 32 }, (_, i) => (i + 160).toString(16).toUpperCase()).join(':');
  return [
    'v=0', `o=- 4611731400430051336 ${version} IN IP4 127.0.0.1`, 's=-', 't=0 0',
    `a=group:BUNDLE ${mid}${video ? ' 1' : ''}`, 'a=extmap-allow-mixed', 'a=msid-semantic: WMS stream',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${pt}${more ? ' 0' : ''} 126`, 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
    'a=ice-ufrag:Abcd', 'a=ice-pwd:0123456789abcdefghijklmn', 'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${print}`, `a=setup:${setup}`, `a=mid:${mid}`, `a=${direction}`,
    'a=rtcp-mux', `a=rtpmap:${pt} ${codec}`, ...(more ? ['a=rtpmap:0 PCMU/8000'] : []),
    'a=rtpmap:126 telephone-event/8000', 'a=ssrc:1001 cname:client',
    ...(video === undefined ? [] : [
      `m=video ${video} UDP/TLS/RTP/SAVPF 96`, 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
      'a=ice-ufrag:Abcd', 'a=ice-pwd:0123456789abcdefghijklmn', 'a=ice-options:trickle',
      `a=fingerprint:sha-256 ${print}`, `a=setup:${setup}`, 'a=mid:1',
      `a=${video ? 'sendrecv' : 'inactive'}`, 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000',
    ]),
    '',
  ].join('\r\n');
}

/** An answer to `offer`: its first codec, its mid, the direction mirrored. */
export function answer(offer) {
  const pt = /^m=audio \d+ \S+ (\d+)/m.exec(offer)[1];
  const codec = new RegExp(`^a=rtpmap:${pt} (\\S+)`, 'm').exec(offer)?.[1] ?? 'PCMU/8000';
  const mid = /^a=mid:(\S+)/m.exec(offer)?.[1] ?? '0';
  const theirs = /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(offer)?.[1] ?? 'sendrecv';
  const direction = { sendonly: 'recvonly', recvonly: 'sendonly' }[theirs] ?? theirs;
  const setup = /^a=setup:passive/m.test(offer) ? 'active' : 'passive';
  // Pictures are turned down.
  const video = /^m=video /m.test(offer) ? 0 : undefined;
  return description({ pt, codec, mid, direction, setup, version: 3, video });
}

/** A signed-in client. */
export class Client {
  /** Connects to the gateway as `user`; `resume` is what `left` gave back. */
  static async open(ctx, gateway, user, { resume, url = gateway.webSocket } = {}) {
    const own = new Client();
    Object.assign(own, { ctx, user, frames: [], next: 1, seq: resume?.seq ?? 0, offers: 0 });
    own.log = ctx.path(`client-${user}.log`);
    own.socket = new WebSocket(url, 'crosspoint.v1');
    ctx.defer(() => own.socket.terminate());
    own.closed = new Promise((resolve) => own.socket.once('close', (code) => resolve(code)));
    own.socket.on('error', (error) => own.#write('!!', error.message));
    own.socket.on('message', (data) => own.#take(data.toString()));
    await within(5_000, 'a WebSocket', new Promise((resolve, reject) => {
      own.socket.once('open', resolve);
      own.socket.once('error', reject);
    }));
    own.send({
      type: 'hello', token: `token-${user}`, capabilities: ['trickle', 'pranswer'],
      ...(resume ? { resume } : {}),
    });
    own.welcome = await own.frame('welcome');
    own.sync = await own.frame('sync');
    return own;
  }

  #write(arrow, text) {
    fs.appendFileSync(this.log, `${new Date().toISOString()} ${arrow} ${text}\n`);
  }

  #take(text) {
    this.#write('<-', text);
    const frame = JSON.parse(text);
    this.frames.push(frame);
    if (frame.seq !== undefined) {
      check(frame.seq === this.seq + 1, `event ${frame.seq} came after ${this.seq}`);
      this.seq = frame.seq;
      this.send({ type: 'ack', ack: frame.seq });
    }
  }

  /** Sends a frame. */
  send(frame) {
    const text = JSON.stringify(frame);
    this.#write('->', text);
    this.socket.send(text);
  }

  /** Sends a request and gives back its `result`; an `error` is thrown. */
  async request(frame, ms = 5_000) {
    const id = `r${this.next}`;
    this.next += 1;
    this.send({ ...frame, id });
    const reply = await until(ms, `a reply to ${frame.type}`, () => this.frames
      .find((f) => f.id === id), 10);
    if (reply.type === 'error') {
      throw Object.assign(new Error(`${frame.type}: ${reply.code}: ${reply.message}`), { reply });
    }
    return reply;
  }

  /** Waits for a frame of `type` (of a call, with more wanted members), each seen only once. */
  async frame(type, { call, ms = 10_000, ...wanted } = {}) {
    const fits = (f) => f.type === type && !f.seen && (call === undefined || f.call === call)
      && Object.entries(wanted).every(([k, v]) => f[k] === v);
    const what = `${this.user} gets ${type}${call ? ` of ${call}` : ''}`;
    const frame = await until(ms, what, () => {
      const ended = call && type !== 'call.ended' && this.frames
        .find((f) => f.type === 'call.ended' && f.call === call);
      const found = this.frames.find(fits);
      return found ?? (ended && { failed: ended });
    }, 10);
    if (frame.failed) throw new Error(`${what}: ended instead: ${JSON.stringify(frame.failed)}`);
    frame.seen = true;
    return frame;
  }

  /** How many frames of `type` came for `call`. */
  count(type, call) {
    return this.frames.filter((f) => f.type === type && f.call === call).length;
  }

  /** Calls `to` with an offer and all candidates; gives back the call's id. */
  async call(to, id = `c-${Math.random().toString(36).slice(2, 12)}`, more = {}) {
    await this.request({
      type: 'call.create', call: id, to, description: { type: 'offer', sdp: description({ more: true }) },
      ...more,
    });
    this.offers = 1;
    this.candidates(id);
    return id;
  }

  /** Tells one candidate, and that there are no more. */
  candidates(call) {
    for (const candidate of [
      'candidate:1 1 udp 2122260223 127.0.0.1 45678 typ host generation 0 ufrag Abcd', '',
    ]) {
      this.send({
        type: 'call.candidate', call, candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 },
      });
    }
  }

  /** Waits for an incoming call. */
  async incoming(ms = 10_000) {
    const frame = await this.frame('call.incoming', { ms });
    await this.request({ type: 'call.ring', call: frame.call });
    return frame;
  }

  /** Accepts an incoming call with an answer, or with an offer where that is wanted. */
  async accept(incoming) {
    const { call, need } = incoming;
    const made = need === 'offer' ? { type: 'offer', sdp: description() }
      : { type: 'answer', sdp: answer(incoming.description.sdp) };
    await this.request({
      type: 'call.accept', call, description: made, negotiation: incoming.negotiation ?? 1,
    });
    this.candidates(call);
    return this.frame('call.accepted', { call });
  }

  /** Answers offers of the other side for a call until it ends. */
  async follow(call) {
    for (;;) {
      const frame = await until(60_000, 'an offer or the end', () => this.frames.find((f) => !f.seen
        && f.call === call && ['call.description', 'call.ended'].includes(f.type)), 20)
        .catch(() => null);
      if (!frame || frame.type === 'call.ended') return;
      frame.seen = true;
      if (frame.description.type === 'offer') {
        await this.request({
          type: 'call.description', call, negotiation: frame.negotiation,
          description: { type: 'answer', sdp: answer(frame.description.sdp) },
        }).catch((error) => this.#write('!!', error.message));
      }
    }
  }

  /** Offers again: `call.hold`, `call.resume` or `call.description`. */
  async offer(call, type, direction, { video, ms } = {}) {
    this.offers += 1;
    const sdp = description({ direction, more: true, version: 10 + this.offers, video });
    await this.request({
      type, call, description: { type: 'offer', sdp }, negotiation: this.offers,
    });
    return this.frame('call.description', { call, ms });
  }

  /** Hangs up. */
  end(call) {
    return this.request({ type: 'call.end', call });
  }

  /** Leaves without a word, by RST; gives back what a new socket resumes with. */
  left() {
    const resume = { session: this.welcome.session, seq: this.seq };
    this.socket._socket.resetAndDestroy();
    return resume;
  }
}
