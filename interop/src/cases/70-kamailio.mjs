// Behind Kamailio as registrar and proxy: alice is an account there, and so are the phones. Calls
// are challenged, forked, and go along Record-Route; phones with plain RTP are heard by rtpengine.

import fs from 'node:fs';
import path from 'node:path';
import { Baresip } from '../../peers/baresip/baresip.mjs';
import { Kamailio } from '../../peers/kamailio/kamailio.mjs';
import { Rtpengine } from '../../peers/rtpengine/rtpengine.mjs';
import { Browser } from '../browser.mjs';
import { Client } from '../client.mjs';
import { Gateway } from '../gateway.mjs';
import {
  address, check, interop, repository, sleep, until,
} from '../lab.mjs';
import { Phone } from '../phone.mjs';
import { holdAndResume, pageAndPhoneHear } from '../setting.mjs';
import { expectSilence, expectTone, randomTone } from '../tone.mjs';

/** What config/examples/kamailio.toml says, with the addresses of the lab. */
function behindKamailio(kamailio, { transport = 'tcp', account = {} } = {}) {
  const suffix = transport === 'udp' ? '' : `;transport=${transport}`;
  return {
    trunk: [{ name: 'kamailio', uri: `sip:${kamailio.host}:${kamailio.port}${suffix}` }],
    account: [{
      name: 'alice', owner: 'alice', uri: 'sip:alice@lab.test', password: 'pw-alice',
      trunk: 'kamailio', ...account,
    }],
    route: [{ match: '*', to: 'account' }],
  };
}

/** Kamailio, and a gateway whose alice is registered there. */
async function gatewayAtKamailio(ctx, {
  options, kamailio: how, register = true, rtpengine: between = false,
} = {}) {
  const rtpengine = between ? await Rtpengine.start(ctx) : null;
  const kamailio = await Kamailio.start(ctx, { rtpengine, ...how });
  const gateway = await Gateway.start(ctx, {
    host: address, config: behindKamailio(kamailio, options),
  });
  if (register) await kamailio.registered('alice');
  return { kamailio, gateway, rtpengine };
}

/** A phone at Kamailio: one named `web…` has media like a browser's, another has plain RTP. */
async function phoneAt(ctx, kamailio, user, {
  tone, answer = 'manual', name = user, transport,
} = {}) {
  const webrtc = user.startsWith('web');
  const phone = await Baresip.start(ctx, {
    name, user, password: `pw-${user}`, server: `${kamailio.host}:${kamailio.port}`, tone, webrtc,
    answer, transport, ...(webrtc ? {} : { codecs: 'pcmu/8000/1' }),
  });
  await phone.registered();
  return phone;
}

/** Alice's page behind Kamailio, and a phone there, each with a tone of its own. */
async function pageAndPhone(ctx, user, { phone: how, ...setting } = {}) {
  const theirs = randomTone();
  const tone = randomTone(theirs);
  const [[s, phone], browser] = await Promise.all([
    gatewayAtKamailio(ctx, setting).then(async (made) => [
      made, await phoneAt(ctx, made.kamailio, user, { tone: theirs, answer: 'auto', ...how }),
    ]),
    Browser.start(ctx, { tone }),
  ]);
  const alice = await Phone.open(browser, s.gateway.url, 'alice');
  await alice.account('alice');
  return { ...s, phone, alice, tone, theirs };
}

/** Proves that what the gateway sent inside the call went by both routes of Record-Route. */
async function routed(kamailio, method) {
  // The ACK of a refusal (407) goes by none.
  const inside = new RegExp(`^${method} (?=[^]*^From: <sip:alice@)[^]*^Route: `, 'm');
  const [request] = await kamailio.shows('rcv', inside);
  const routes = request.text.match(/^Route: .*$/gm).join();
  const count = (routes.match(/;lr/g) ?? []).length;
  check(count === 2 && /transport=tcp/.test(routes), `${method} has the routes ${routes}`);
}

/** Proves that alice's first INVITE was challenged and her second taken; gives back that. */
async function challenged(kamailio) {
  const [, second] = await kamailio.shows('rcv', /^INVITE /, 2);
  check(/^Proxy-Authorization: Digest /m.test(second.text), 'the second has no credentials');
  const asked = kamailio.said('snd', /^SIP\/2.0 407 [^]*^CSeq: \d+ INVITE/m);
  check(asked.length === 1, `Kamailio challenged ${asked.length} INVITEs`);
  return second.text;
}

const kase = (name, sentence, run) => ({ name, peer: 'kamailio', sentence, run });

export const cases = [
  kase('both-ways', 'registered and called with Digest, two routes: both hear', async (ctx) => {
    const s = await pageAndPhone(ctx, 'web-bob');
    const call = await s.alice.call('web-bob');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s);
    await s.alice.hangUp(call);
    await s.phone.event('CALL_CLOSED');
    await challenged(s.kamailio);
    await routed(s.kamailio, 'ACK');
    await routed(s.kamailio, 'BYE');
  }),
  kase('called', 'a phone there calls the page, which answers: sound both ways', async (ctx) => {
    const s = await pageAndPhone(ctx, 'web-bob');
    await s.phone.dial(`sip:alice@${s.kamailio.host}:${s.kamailio.port}`);
    const call = await s.alice.incoming();
    await s.alice.act(call, 'accept');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s);
    await s.phone.order('hangup');
    const end = await s.alice.ended(call);
    check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
  }),
  kase('fork', 'two phones of one name ring, one answers, the other is cancelled', async (ctx) => {
    const s = await pageAndPhone(ctx, 'web-bob', {
      phone: { answer: 'manual' }, options: { transport: 'udp' },
    });
    const other = await phoneAt(ctx, s.kamailio, 'web-bob', { name: 'web-bob-2' });
    await s.kamailio.registered('web-bob', 2);
    const call = await s.alice.call('web-bob');
    await Promise.all([s.phone.event('CALL_INCOMING'), other.event('CALL_INCOMING')]);
    await s.alice.is(call, 'ringing');
    await s.phone.order('accept');
    await s.alice.is(call, 'connected');
    await other.event('CALL_CLOSED');
    const cancels = await s.kamailio.shows('snd', /^CANCEL /);
    check(cancels.length === 1, `there were ${cancels.length} CANCELs`);
    await pageAndPhoneHear(s);
    await s.alice.hangUp(call);
    await s.phone.event('CALL_CLOSED');
  }),
  kase('answered-elsewhere', 'the page and a phone ring, the latter answers: told', async (ctx) => {
    // The page's branch goes by rtpengine, the phone's does not: each contact gets what it can.
    const s = await gatewayAtKamailio(ctx, { rtpengine: true });
    const x = randomTone();
    const y = randomTone(x);
    const desk = await phoneAt(ctx, s.kamailio, 'alice', { name: 'desk', tone: x });
    const caller = await phoneAt(ctx, s.kamailio, 'bob', { tone: y });
    const alice = await Client.open(ctx, s.gateway, 'alice');
    await s.kamailio.registered('alice', 2);
    await caller.dial(`sip:alice@${s.kamailio.host}:${s.kamailio.port}`);
    const { call, description } = await alice.incoming();
    check(/^m=audio \d+ UDP\/TLS/m.test(description.sdp), 'the page is offered plain RTP');
    await desk.event('CALL_INCOMING');
    await desk.order('accept');
    const end = await alice.frame('call.ended', { call });
    check(end.cause === 'answered_elsewhere', `the cause is ${end.cause}`);
    await caller.recorded(1);
    expectTone(caller.heard(), x, 'the caller hears the phone');
    expectTone(desk.heard(), y, 'the phone hears the caller');
  }),
  kase('cancel', 'two phones ring, the page hangs up: both are cancelled', async (ctx) => {
    const s = await gatewayAtKamailio(ctx);
    const phones = [await phoneAt(ctx, s.kamailio, 'web-bob', { name: 'one' }),
      await phoneAt(ctx, s.kamailio, 'web-bob', { name: 'two' })];
    await s.kamailio.registered('web-bob', 2);
    const alice = await Client.open(ctx, s.gateway, 'alice');
    const call = await alice.call('web-bob');
    await alice.frame('call.ringing', { call });
    await Promise.all(phones.map((phone) => phone.event('CALL_INCOMING')));
    await alice.end(call);
    const end = await alice.frame('call.ended', { call });
    check(end.cause === 'cancelled', `the cause is ${end.cause}`);
    await Promise.all(phones.map((phone) => phone.event('CALL_CLOSED')));
    await until(5_000, 'the gateway has no call left', async () => (
      (await s.gateway.metric('crosspoint_calls')) === 0));
  }),
  kase('killed', 'the gateway is killed and starts again: one contact too many', async (ctx) => {
    const s = await gatewayAtKamailio(ctx);
    await s.gateway.child.stop('SIGKILL');
    const gateway = await Gateway.start(ctx, {
      name: 'gateway-again', host: address, port: s.gateway.sipPort,
      config: behindKamailio(s.kamailio),
    });
    await s.kamailio.registered('alice', 2);
    const caller = await phoneAt(ctx, s.kamailio, 'web-bob');
    const alice = await Client.open(ctx, gateway, 'alice');
    await caller.dial(`sip:alice@${s.kamailio.host}:${s.kamailio.port}`);
    const { call } = await alice.incoming();
    await caller.event('CALL_RINGING');
    await alice.request({ type: 'call.reject', call, cause: 'busy' });
    await caller.event('CALL_CLOSED');
    await s.kamailio.shows('rcv', /^SIP\/2.0 486 /);
  }),
  kase('restart', 'the proxy restarts in mid-call: sound, registration, BYE go on', async (ctx) => {
    const s = await pageAndPhone(ctx, 'web-bob');
    const call = await s.alice.call('web-bob');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    await s.kamailio.stop();
    await pageAndPhoneHear(s);
    await s.kamailio.begin();
    check(!(await s.kamailio.contacts('web-bob')).length, 'Kamailio kept its contacts');
    await s.kamailio.registered('alice', 1, 15_000);
    check(await s.alice.state(call) === 'connected', 'the call did not outlive it');
    await s.alice.hangUp(call);
    await s.phone.event('CALL_CLOSED');
    await routed(s.kamailio, 'BYE');
  }),
  kase('restart-udp', 'the registrar is down when registering is due: it comes', async (ctx) => {
    const s = await gatewayAtKamailio(ctx, {
      options: { transport: 'udp' }, kamailio: { expires: 4 },
    });
    await s.kamailio.stop();
    await sleep(2_500);
    await s.kamailio.begin();
    await s.kamailio.registered('alice', 1, 20_000);
  }),
  kase('sha-256', 'registers and calls with a digest of SHA-256: 401, 407, 404', async (ctx) => {
    const s = await gatewayAtKamailio(ctx, { kamailio: { algorithm: 'SHA-256' } });
    const alice = await Client.open(ctx, s.gateway, 'alice');
    const call = await alice.call('nobody');
    const end = await alice.frame('call.ended', { call });
    check(end.cause === 'not_found', `the cause is ${end.cause}`);
    const invite = await challenged(s.kamailio);
    check(/algorithm=SHA-256/.test(invite), 'the digest is none of SHA-256');
  }),
  kase('wrong-password', 'a wrong password: not registered, told so, asked twice', async (ctx) => {
    const s = await gatewayAtKamailio(ctx, {
      options: { account: { password: 'wrong' } }, register: false,
    });
    const alice = await Client.open(ctx, s.gateway, 'alice');
    await until(5_000, 'the account failed', () => alice.frames.some((f) => (
      f.type === 'account.state' && f.state === 'failed')
      || f.accounts?.some((a) => a.state === 'failed')));
    check(!(await s.kamailio.contacts('alice')).length, 'it is registered nevertheless');
    const asked = (await s.kamailio.shows('rcv', /^REGISTER /, 2)).length;
    check(asked === 2, `Kamailio was asked ${asked} times`);
  }),
  kase('rtpengine', 'a phone with plain RTP: sound, hold, resume, ICE restart', async (ctx) => {
    const s = await pageAndPhone(ctx, 'plain-bob', { rtpengine: true });
    const call = await s.alice.call('plain-bob');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s);
    await holdAndResume(s, call);
    const old = await s.alice.page.state();
    await s.alice.act(call, 'restartIce');
    const fresh = await until(10_000, 'new credentials and a new pair', async () => {
      const now = await s.alice.page.state();
      return now.localUfrag !== old.localUfrag && now.pair?.id !== old.pair?.id
        && now.signaling === 'stable' && now.connection === 'connected' && now;
    }, 200);
    check(fresh.remoteUfrag !== old.remoteUfrag, 'rtpengine kept its ufrag');
    await pageAndPhoneHear(s);
    await s.alice.hangUp(call);
    await s.phone.event('CALL_CLOSED');
  }),
  kase('rtpengine-called', 'a phone with plain RTP calls: hold there, reload here', async (ctx) => {
    const s = await pageAndPhone(ctx, 'plain-bob', { rtpengine: true });
    await s.phone.dial(`sip:alice@${s.kamailio.host}:${s.kamailio.port}`);
    const call = await s.alice.incoming();
    await s.alice.act(call, 'accept');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s);
    const held = (value) => until(5_000, `the page is told that the hold is ${value}`, () => s.alice
      .page.run(([id, wanted]) => window.crosspoint.calls.get(id).media
        .some((m) => m.held_there) === wanted, [call, value]));
    await s.phone.order('hold');
    await held(true);
    await sleep(300);
    expectSilence(await s.alice.page.hear(1.5), 'the page hears who holds', 0.2);
    await s.phone.order('resume');
    await held(false);
    await sleep(500);
    await pageAndPhoneHear(s);
    await s.alice.page.page.reload();
    await s.alice.connected();
    await s.alice.is(call, 'connected');
    await sleep(500);
    await pageAndPhoneHear(s);
    await s.phone.order('hangup');
    await s.alice.ended(call);
  }),
  {
    ...kase('sample', 'config/examples/kamailio.toml says what this Kamailio does', async () => {
      const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8');
      const sample = read(repository, 'config/examples/kamailio.toml');
      const own = read(interop, 'peers/kamailio/kamailio.cfg');
      const lines = sample.match(/rtpengine_manage\(".*"\)/g) ?? [];
      check(lines.length === 2, `the sample names ${lines.length} lines of rtpengine_manage`);
      for (const line of lines) check(own.includes(line), `the lab’s Kamailio has no ${line}`);
    }),
    gateway: false,
  },
];
