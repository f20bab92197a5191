// Chat users, Asterisk and baresip call each other through the gateway: SIP on one side, Jingle on
// the other, ICE and DTLS-SRTP end to end.

import { Baresip } from '../../peers/baresip/baresip.mjs';
import { ChatPhone } from '../chat-phone.mjs';
import { SIP, endedFor, house } from '../chat-setting.mjs';
import { address, check, sleep, until } from '../lab.mjs';
import { asteriskHears } from '../setting.mjs';
import { expectSilence, expectTone, randomTone } from '../tone.mjs';

/** Asterisk takes the gateway for a trunk that it knows by this address. */
const TRUNK = { host: '127.0.0.5', port: 5060 };

/** Asterisk, the gateway as its trunk, and juliet's phone. */
async function withAsterisk(ctx, chat = {}) {
  const asterisk = await ctx.shared.asterisk();
  const s = await house(ctx, 'prosody', {
    gateway: TRUNK,
    config: {
      trunk: [{
        name: 'pbx', uri: `sip:${asterisk.host}:${asterisk.port}`, health: '0s',
        incoming_chat: 'sip',
      }],
      route: [{ match: '*', to: 'trunk:pbx' }],
    },
  });
  const tone = randomTone();
  const juliet = await ChatPhone.open(s.browser, s.server, 'juliet', { tone, ...chat });
  return { ...s, asterisk, juliet, tone };
}

/** juliet calls the extension that plays a tone and records; proves the sound at both ends. */
async function talk(s, to = '') {
  const theirs = randomTone(s.tone);
  const sid = await s.juliet.call(`8${theirs}@${SIP}${to}`);
  await s.juliet.is(sid, 'connected');
  await s.juliet.flowing();
  expectTone(await s.juliet.page.hear(1.5), theirs, 'juliet hears Asterisk');
  await asteriskHears(s.asterisk, theirs, s.tone);
  return { sid, theirs };
}

const noChannels = (s) => until(5_000, 'Asterisk has no channel left', async () => (
  !(await s.asterisk.channels()).some((c) => c.startsWith('PJSIP/gwtrunk-'))));

async function echo(s) {
  const sid = await s.juliet.call(`600@${SIP}`);
  await s.juliet.is(sid, 'connected');
  await s.juliet.flowing();
  expectTone(await s.juliet.page.hear(1.5), s.tone, 'juliet hears her echo');
  await s.juliet.hangUp(sid);
  await noChannels(s);
  const ladder = await s.gateway.onlyLadder();
  for (const word of ['propose', 'session-initiate', 'INVITE', 'session-accept', 'BYE']) {
    check(ladder.includes(word), `the ladder has no ${word}`);
  }
  await s.juliet.content();
}

async function straight(s) {
  const full = await s.juliet.befriend(`600@${SIP}`);
  const sid = await s.juliet.call(full);
  await s.juliet.is(sid, 'connected');
  await s.juliet.flowing();
  expectTone(await s.juliet.page.hear(1.5), s.tone, 'juliet hears her echo');
  await s.juliet.hangUp(sid);
  await noChannels(s);
}

async function bothWays(s) {
  const { sid, theirs } = await talk(s);
  for (const how of ['modify', 'info']) {
    await s.juliet.hold(sid, how);
    await sleep(1_000);
    const from = s.asterisk.recorded(theirs);
    await sleep(1_000);
    if (s.asterisk.recorded(theirs) - from > 0.5) {
      expectSilence(s.asterisk.heard(theirs, from), 'Asterisk hears who holds', 0.2);
    }
    await s.juliet.resume(sid, how);
    await sleep(300);
  }
  expectTone(await s.juliet.page.hear(1.5), theirs, 'juliet hears Asterisk again');
  await asteriskHears(s.asterisk, theirs, s.tone);
  await s.juliet.hangUp(sid);
  await noChannels(s);
  await s.juliet.content();
}

async function restartIce(s) {
  const { sid, theirs } = await talk(s);
  const before = await s.juliet.page.state();
  await s.juliet.restartIce(sid);
  await until(10_000, 'new credentials and a path', async () => {
    const now = await s.juliet.page.state();
    return now.localUfrag !== before.localUfrag && now.remoteUfrag !== before.remoteUfrag
      && now.signaling === 'stable' && now.connection === 'connected';
  });
  await sleep(300);
  expectTone(await s.juliet.page.hear(1.5), theirs, 'juliet hears Asterisk');
  await asteriskHears(s.asterisk, theirs, s.tone);
  await s.juliet.hangUp(sid);
  await s.juliet.content();
}

async function refused(s) {
  for (const [number, ...conditions] of [
    ['604', 'busy'],
    ['605', 'security-error', 'decline', 'general-error'],
    ['618', 'general-error', 'gone'],
  ]) {
    const sid = await s.juliet.call(`${number}@${SIP}`);
    endedFor(await s.juliet.ended(sid), 'remote', ...conditions);
  }
  const sid = await s.juliet.call(`613@${SIP}`);
  await s.juliet.ringing(sid);
  await s.juliet.retract(sid);
  await noChannels(s);
  const late = await s.juliet.call(`601@${SIP}`);
  await s.juliet.is(late, 'connected');
  endedFor(await s.juliet.ended(late, 15_000), 'remote', 'success');
  await s.juliet.content();
}

async function called(s) {
  const theirs = randomTone(s.tone);
  const originate = (extension) => s.asterisk.originate({
    channel: `PJSIP/juliet%40${s.server.domain}@gwtrunk`, extension,
  });
  await originate('600');
  const declined = await s.juliet.incoming();
  await s.juliet.reject(declined);
  await noChannels(s);
  await originate('600');
  const taken = await s.juliet.incoming();
  await s.asterisk.hangup('gwtrunk');
  endedFor(await s.juliet.ended(taken), 'remote', 'cancel', 'retracted');
  await originate(`8${theirs}`);
  const sid = await s.juliet.incoming();
  await s.juliet.accept(sid);
  await s.juliet.is(sid, 'connected');
  await s.juliet.flowing();
  expectTone(await s.juliet.page.hear(1.5), theirs, 'juliet hears Asterisk');
  await asteriskHears(s.asterisk, theirs, s.tone);
  await s.asterisk.hangup('gwtrunk');
  endedFor(await s.juliet.ended(sid), 'remote', 'success');
  await s.juliet.content();
}

const asterisk = (name, sentence, play, chat) => ({
  name: `jingle-${name}`, peer: 'asterisk', sentence, ms: 90_000,
  run: async (ctx) => play(await withAsterisk(ctx, chat)),
});

/** baresip beside the gateway, and juliet's phone. */
async function withBaresip(ctx, { answer = 'auto', chat = {} } = {}) {
  const theirs = randomTone();
  const tone = randomTone(theirs);
  const phone = await Baresip.start(ctx, { tone: theirs, answer });
  const s = await house(ctx, 'prosody', {
    gateway: { host: address },
    config: {
      trunk: [{
        name: 'phone', uri: `sip:${address}:${phone.port}`, addresses: [address], health: '0s',
        udp_max_bytes: 60_000, incoming_chat: 'sip',
      }],
      route: [{ match: '*', to: 'trunk:phone' }],
    },
  });
  const juliet = await ChatPhone.open(s.browser, s.server, 'juliet', { tone, ...chat });
  return { ...s, phone, juliet, tone, theirs };
}

async function chatAndPhoneHear(s, seconds = 1.5) {
  await s.juliet.flowing();
  expectTone(await s.juliet.page.hear(seconds), s.theirs, 'juliet hears the phone');
  expectTone(s.phone.heard(seconds), s.tone, 'the phone hears juliet');
}

async function callsPhone(s) {
  const sid = await s.juliet.call(`phone@${SIP}`);
  await s.juliet.is(sid, 'connected');
  await chatAndPhoneHear(s, 2);
  await s.juliet.restartIce(sid);
  await sleep(1_500);
  await chatAndPhoneHear(s);
  await s.juliet.hold(sid);
  await sleep(1_000);
  const before = s.phone.heard().seconds;
  await sleep(1_000);
  // A phone that is held may stop its clock: then nothing is recorded, which is silence, too.
  if (s.phone.heard().seconds > before + 0.5) {
    expectSilence(s.phone.heard(0.8), 'the phone hears who holds', 0.2);
  }
  await s.juliet.resume(sid);
  await sleep(500);
  await chatAndPhoneHear(s);
  await s.juliet.hangUp(sid);
  await s.phone.event('CALL_CLOSED');
  await s.juliet.content();
}

async function phoneCalls(s) {
  await s.phone.dial(`sip:juliet%40${s.server.domain}@${s.gateway.sip}`);
  const sid = await s.juliet.incoming();
  await s.phone.event('CALL_RINGING');
  await s.juliet.accept(sid);
  await s.juliet.is(sid, 'connected');
  await chatAndPhoneHear(s, 2);
  await s.phone.order('hangup');
  endedFor(await s.juliet.ended(sid), 'remote', 'success');
  await s.juliet.content();
}

async function takesBack(s) {
  const sid = await s.juliet.call(`phone@${SIP}`);
  await s.phone.event('CALL_INCOMING');
  await s.juliet.ringing(sid);
  await s.juliet.retract(sid);
  await s.phone.event('CALL_CLOSED');
}

const baresip = (name, sentence, play, options) => ({
  name: `jingle-${name}`, peer: 'baresip', sentence, ms: 90_000,
  run: async (ctx) => play(await withBaresip(ctx, options)),
});

export const cases = [
  asterisk('echo', 'a chat user calls Asterisk’s echo: her own tone comes back', echo),
  asterisk('straight', 'the same without a proposal', straight, {
    as: 'stanza', proposals: false,
  }),
  asterisk('both-ways', 'sound both ways; hold by content-modify and by session-info', bothWays),
  asterisk('ice-restart', 'the chat user restarts ICE in mid-call: the sound goes on', restartIce),
  asterisk('refused', 'busy, forbidden, not found, taken back, ended there', refused),
  asterisk('called', 'Asterisk calls a chat user: declined, taken back, answered: sound', called),
  baresip('both-ways', 'a chat user calls baresip: sound, an ICE restart, hold', callsPhone),
  baresip('called', 'baresip calls a chat user: sound both ways', phoneCalls),
  baresip('cancel', 'the chat user takes the call back while baresip rings', takesBack, {
    answer: 'manual',
  }),
];
