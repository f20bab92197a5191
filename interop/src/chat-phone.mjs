// A chat user's phone in Chromium: the npm package `stanza` for the stream and for Jingle, the
// browser for the sound, an independent client as far from the gateway's code as can be.
//
// It comes in two manners. As `conversations` it proposes to a bare address (XEP-0353), sends the
// session-initiate only after `proceed`, and notes in `faults` what Conversations throws at. As
// `stanza` it sends a session-initiate at once, to a full address, as the package does by itself.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { build } from 'esbuild';
import { check, interop, until } from './lab.mjs';

/** The version of the library. */
export function version() {
  const file = path.join(interop, 'node_modules', 'stanza', 'package.json');
  return `stanza ${JSON.parse(fs.readFileSync(file, 'utf8')).version}`;
}

let bundle = null;

/** The page's script with the library in it, made once a run. */
async function script() {
  bundle ??= build({
    entryPoints: [path.join(interop, 'src', 'chat', 'page.js')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { global: 'globalThis' },
    logLevel: 'error',
  }).then((made) => made.outputFiles[0].text);
  return bundle;
}

/** Serves the page of chat users on loopback, once for each case. */
async function served(ctx) {
  if (ctx.chatPage) return ctx.chatPage;
  const text = await script();
  const server = http.createServer((request, response) => {
    const code = request.url === '/chat.js';
    response.writeHead(200, {
      'content-type': `text/${code ? 'javascript' : 'html'}; charset=utf-8`,
    });
    response.end(code ? text
      : '<!doctype html><title>chat</title><p>A chat user.</p><script src="/chat.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  ctx.defer(() => { server.closeAllConnections(); server.close(); });
  ctx.chatPage = `http://127.0.0.1:${server.address().port}/`;
  return ctx.chatPage;
}

/** A chat user at one of his resources. */
export class ChatPhone {
  /**
   * Signs `user` in at `server` (a `Prosody` or `Ejabberd`), as `resource`.
   *
   * `tone` is his microphone (by default the browser's), `as` his manner. `trickle: false` gathers
   * first. `proposals: false` knows none, `rings: false` says nothing of ringing, `busy` turns down
   * calls beside another one, `initiates: false` leaves a `proceed` unanswered, `camera` is the
   * colour that he answers pictures with (without it they are turned down).
   */
  static async open(browser, server, user, {
    resource = 'phone', tone, as = 'conversations', trickle = true, rings = true, busy = false,
    carbons = true, proposals = true, initiates = true, camera = null,
    webSocket = server.webSocket,
  } = {}) {
    const own = new ChatPhone();
    Object.assign(own, { user, ctx: browser.ctx, server });
    own.jid = `${user}@${server.domain}`;
    own.name = `chat-${user}-${resource}`;
    own.page = await browser.open(await served(browser.ctx), { name: own.name, tone });
    own.full = await own.page.run((given) => window.chat.start(given), {
      jid: own.jid, resource, password: `pw-${user}`, webSocket, as, trickle, rings, busy, carbons,
      proposals, initiates, camera,
    });
    own.ctx.note(`${own.name} is ${own.full}`);
    own.ctx.defer(() => own.#keep());
    return own;
  }

  /** Writes down every stanza, one a line. */
  async #keep() {
    const all = await this.stanzas().catch(() => []);
    const lines = all.map(({ at, out, xml }) => (
      `${new Date(at).toISOString()} ${out ? '->' : '<-'} ${xml}\n`));
    fs.writeFileSync(this.ctx.path(`${this.name}-stanzas.txt`), lines.join(''));
  }

  #do(verb, ...rest) {
    this.ctx.note(`${this.name}: ${verb} ${JSON.stringify(rest)}`);
    return this.page.run(([name, more]) => window.chat[name](...more), [verb, rest]);
  }

  /** Waits until he is signed in, again after a loss. */
  online(ms = 20_000) {
    return until(ms, `${this.name} is online`, () => this.page.run(() => window.chat.online > 0));
  }

  /**
   * Calls `to`; gives back the session's id. `propose` says whether by a proposal (by default as is
   * his manner), `trickle: false` gathers first, `video` offers pictures, too.
   */
  call(to, options = {}) {
    return this.#do('call', to, options);
  }

  /** Waits for a call that comes in; gives back its id. */
  async incoming(ms = 10_000) {
    return until(ms, `${this.name} is called`, () => this.page.run(() => (
      [...window.chat.calls.values()].find((c) => c.state === 'incoming')?.sid ?? null)));
  }

  /**
   * What a call is like: `state` (`calling`, `ringing`, `incoming`, `proceeding`, `connected`,
   * `ended`), `proposed`, `role`, `peer`, `senders` by content, `heldThere`, `muteThere`,
   * `restarts`, `end` (`by`: local, remote, elsewhere, error, lost; `condition`), `errors`.
   */
  look(sid) {
    return this.page.run((id) => window.chat.look(id), sid);
  }

  /** Waits until `wanted` is true of what `look` says. */
  async sees(sid, what, wanted, ms = 10_000) {
    let last;
    try {
      return await until(ms, `${this.name}: ${what}`, async () => {
        last = await this.look(sid);
        return last && wanted(last) && last;
      });
    } catch (error) {
      this.ctx.note(`${this.name}: not ${what}: ${JSON.stringify(last)}`);
      throw new Error(`${error.message}: ${JSON.stringify(last)}`);
    }
  }

  /** Waits until the call is `state`; fails at once if it ends instead. */
  async is(sid, state, ms = 10_000) {
    const now = await this.sees(sid, state, (c) => [state, 'ended'].includes(c.state), ms);
    check(now.state === state, `the call of ${this.name} ended instead of ${state}: ${
      JSON.stringify([now.end, now.errors])}`);
    return now;
  }

  /** Waits until it rings at the other end, or has been answered. */
  ringing(sid, ms = 10_000) {
    return this.sees(sid, 'ringing', (c) => c.ringing, ms);
  }

  /** Waits for the end of a call; gives back `{ by, condition, text }`. */
  async ended(sid, ms = 10_000) {
    const { end } = await this.sees(sid, 'the end', (c) => c.state === 'ended', ms);
    this.ctx.note(`${this.name}: ${sid} ended: ${JSON.stringify(end)}`);
    return end;
  }

  /** Says that it rings, where the phone was opened with `rings: false`. */
  ring(sid) { return this.#do('ring', sid); }

  /** Answers. */
  accept(sid) { return this.#do('accept', sid); }

  /** Turns a call down. */
  reject(sid, reason = 'decline') { return this.#do('reject', sid, reason); }

  /** Takes a call of his own back. */
  retract(sid) { return this.#do('retract', sid); }

  /** Ends a call that was answered. */
  async hangUp(sid, reason = 'success') {
    await this.#do('hangUp', sid, reason);
    return this.ended(sid);
  }

  /** Holds, by `modify` (content-modify) or `info` (session-info); he is silent then. */
  hold(sid, how = 'modify') { return this.#do('hold', sid, true, how); }

  /** Resumes. */
  resume(sid, how = 'modify') { return this.#do('hold', sid, false, how); }

  /** Mutes his microphone, or not, and tells. */
  mute(sid, muted = true) { return this.#do('mute', sid, muted); }

  /** New credentials and no candidate, then candidates. */
  restartIce(sid) { return this.#do('restartIce', sid); }

  /** Asks to add a camera of one colour; resolves when the other side has answered. */
  async addVideo(sid, colour) {
    await this.#do('addVideo', sid, colour);
    await this.sees(sid, 'an answer to the pictures', (c) => !c.adding);
  }

  /** Drops the pictures. */
  removeVideo(sid) { return this.#do('removeVideo', sid); }

  /** Subscribes to the presence of `jid`; gives back the full address that it comes from. */
  async befriend(jid, ms = 10_000) {
    await this.#do('subscribe', jid);
    return until(ms, `${this.name} sees that ${jid} is there`, () => this.page.run((of) => (
      window.chat.presences.find((p) => p.type === undefined || p.type === 'available'
        ? p.from.startsWith(`${of}/`) : false)?.from ?? null), jid));
  }

  /** Sends text and asks for a receipt; gives back the message's id. */
  say(to, text) { return this.#do('say', to, text); }

  /** Waits for a message that has `text`. */
  hears(text, ms = 10_000) {
    return until(ms, `${this.name} is told ${text}`, () => this.page.run((t) => (
      window.chat.messages.find((m) => m.body === t) ?? null), text));
  }

  /** Waits for the receipt of the message `id`. */
  delivered(id, ms = 10_000) {
    return until(ms, `${id} is delivered`, () => this.page.run((i) => (
      window.chat.receipts.includes(i)), id));
  }

  /** All stanzas so far: `{ at, out, xml }`; those that match `pattern`. */
  async stanzas(pattern = /(?:)/) {
    const all = await this.page.run(() => window.chat.stanzas);
    return all.filter(({ xml }) => pattern.test(xml));
  }

  /** Fails if something came that Conversations throws at. */
  async content() {
    const faults = await this.page.run(() => window.chat.faults);
    check(!faults.length, `${this.name} was sent what Conversations throws at: ${
      [...new Set(faults)].join('; ')}`);
  }

  /** Waits until the path of the media stands. */
  async flowing(ms = 10_000) {
    let state;
    try {
      return await until(ms, `the media of ${this.name} flow`, async () => {
        state = await this.page.run(() => window.lab.state());
        return state?.connection === 'connected' && state.received > 10 && state;
      }, 200);
    } finally {
      this.ctx.note(`the media of ${this.name}: ${JSON.stringify(state)}`);
    }
  }
}
