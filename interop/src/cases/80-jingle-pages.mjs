// Chat users and pages call each other through the gateway, which is a component of their server.

import { ChatPhone } from '../chat-phone.mjs';
import {
  WEB, aliceCalls, endedFor, heldThere, house, julietCalls, pageAndChat, pageAndChatHear,
} from '../chat-setting.mjs';
import { Client } from '../client.mjs';
import { check, sleep, until } from '../lab.mjs';
import { Phone } from '../phone.mjs';
import { expectColour, expectSilence, expectTone, randomColour, randomTone } from '../tone.mjs';

/** A chat user calls a page and hangs up; the ladder has both languages. */
async function called(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const { sid, call } = await julietCalls(s);
  await s.juliet.hangUp(sid);
  const end = await s.alice.ended(call);
  check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
  const ladder = await s.gateway.ladder(call);
  for (const word of ['session-initiate', 'session-accept', 'call.incoming']) {
    check(ladder.includes(word), `the ladder has no ${word}`);
  }
  await s.juliet.content();
}

/** A page calls a chat user with two resources; one answers, the other is told. */
async function calls(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const desk = await ChatPhone.open(s.browser, s.server, 'juliet', { resource: 'desk' });
  const call = await s.alice.call(`xmpp:${s.juliet.jid}`);
  const sid = await s.juliet.incoming();
  check(await desk.incoming() === sid, 'the resources ring for two sessions');
  await s.alice.is(call, 'ringing');
  await s.juliet.accept(sid);
  await Promise.all([s.alice.is(call, 'connected'), s.juliet.is(sid, 'connected')]);
  endedFor(await desk.ended(sid), 'elsewhere', 'accept', 'proceed');
  await pageAndChatHear(s);
  await s.alice.hangUp(call);
  endedFor(await s.juliet.ended(sid), 'remote', 'success');
  await s.juliet.content();
}

/** The same both ways without a proposal, with the package as it is by itself. */
async function straight(ctx, peer) {
  const s = await pageAndChat(ctx, peer, { chat: { as: 'stanza', proposals: false } });
  const full = await s.juliet.befriend(`alice@${WEB}`);
  const first = await julietCalls(s, full);
  await s.juliet.hangUp(first.sid);
  await s.alice.ended(first.call);
  const second = await aliceCalls(s, `xmpp:${s.juliet.full}`);
  await s.alice.hangUp(second.call);
  endedFor(await s.juliet.ended(second.sid), 'remote', 'success');
}

/** All candidates in the first description, both ways. */
async function gathered(ctx, peer) {
  const s = await pageAndChat(ctx, peer, { chat: { trickle: false } });
  const first = await julietCalls(s);
  await s.juliet.hangUp(first.sid);
  await s.alice.ended(first.call);
  const second = await aliceCalls(s);
  await s.juliet.hangUp(second.sid);
  await s.alice.ended(second.call);
}

/** Either holds and resumes, by either word; mute is told. */
async function hold(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const { sid, call } = await julietCalls(s);
  for (const how of ['modify', 'info']) {
    await s.juliet.hold(sid, how);
    await heldThere(s, call, true);
    await sleep(300);
    expectSilence(await s.alice.page.hear(1), 'the page hears who holds', 0.2);
    await s.juliet.resume(sid, how);
    await heldThere(s, call, false);
  }
  await sleep(300);
  await pageAndChatHear(s, 1.2);
  await s.alice.act(call, 'hold');
  await s.juliet.sees(sid, 'held', (c) => (
    c.heldThere && ['initiator', 'responder', 'none'].includes(Object.values(c.senders)[0])));
  await sleep(300);
  expectSilence(await s.juliet.page.hear(1), 'juliet hears who holds', 0.2);
  await s.alice.act(call, 'resume');
  await s.juliet.sees(sid, 'resumed', (c) => (
    Object.values(c.senders)[0] === 'both' && !c.heldThere));
  await sleep(300);
  await pageAndChatHear(s, 1.2);
  await s.juliet.mute(sid);
  await sleep(300);
  expectSilence(await s.alice.page.hear(1), 'the page hears who is mute', 0.2);
  await s.juliet.mute(sid, false);
  await s.alice.hangUp(call);
  await s.juliet.ended(sid);
  await s.juliet.content();
}

/** Waits until both ends have new credentials and a path. */
async function fresh(s, before) {
  await until(10_000, 'new credentials at both ends', async () => {
    const now = await Promise.all([s.alice.page.state(), s.juliet.page.state()]);
    return now.every((n, i) => n.localUfrag !== before[i].localUfrag
      && n.remoteUfrag !== before[i].remoteUfrag && n.signaling === 'stable'
      && n.connection === 'connected');
  });
  await sleep(300);
  await pageAndChatHear(s, 1.2);
}

/** The chat user restarts ICE, then the page; in a call that each of them began. */
async function restartIce(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  for (const begin of [julietCalls, aliceCalls]) {
    const { sid, call } = await begin(s);
    let before = await Promise.all([s.alice.page.state(), s.juliet.page.state()]);
    await s.juliet.restartIce(sid);
    await fresh(s, before);
    before = await Promise.all([s.alice.page.state(), s.juliet.page.state()]);
    await s.alice.act(call, 'restartIce');
    await fresh(s, before);
    await s.juliet.hangUp(sid);
    await s.alice.ended(call);
  }
  await s.juliet.content();
}

/** Calls of a chat user that come to nothing. */
async function refused(ctx, peer) {
  const s = await pageAndChat(ctx, peer, { config: { call: { no_answer: '3s' } } });
  const to = `alice@${WEB}`;
  for (const [cause, ...conditions] of [['declined', 'decline'], ['busy', 'busy']]) {
    const sid = await s.juliet.call(to);
    const call = await s.alice.incoming();
    await s.juliet.ringing(sid);
    await s.alice.act(call, 'reject', cause);
    endedFor(await s.juliet.ended(sid), 'remote', ...conditions);
    await s.alice.ended(call);
  }
  const taken = await s.juliet.call(to);
  const ringing = await s.alice.incoming();
  await s.juliet.ringing(taken);
  await s.juliet.retract(taken);
  const end = await s.alice.ended(ringing);
  check(end.cause === 'cancelled', `the cause is ${end.cause}`);
  const patient = await s.juliet.call(to);
  await s.alice.incoming();
  endedFor(await s.juliet.ended(patient), 'remote', 'timeout', 'expired', 'gone');
  const nobody = await s.juliet.call(`bob@${WEB}`);
  const away = await s.juliet.ended(nobody);
  check(['remote', 'error'].includes(away.by), `nobody is there, and it ended ${away.by}`);
  await s.juliet.content();
}

/** Calls to a chat user that come to nothing. */
async function refuses(ctx, peer) {
  const s = await pageAndChat(ctx, peer, { config: { call: { no_answer: '3s' } } });
  const to = `xmpp:${s.juliet.jid}`;
  for (const [reason, ...causes] of [['decline', 'declined'], ['busy', 'busy']]) {
    const call = await s.alice.call(to);
    const sid = await s.juliet.incoming();
    await s.alice.is(call, 'ringing');
    await s.juliet.reject(sid, reason);
    const end = await s.alice.ended(call);
    check(causes.includes(end.cause), `the cause is ${end.cause}, not ${causes}`);
  }
  const taken = await s.alice.call(to);
  const ringing = await s.juliet.incoming();
  await s.alice.is(taken, 'ringing');
  await s.alice.act(taken, 'hangUp');
  endedFor(await s.juliet.ended(ringing), 'remote', 'cancel', 'retracted');
  const patient = await s.alice.call(to);
  const unanswered = await s.juliet.incoming();
  const end = await s.alice.ended(patient);
  check(['no_answer', 'timeout'].includes(end.cause), `the cause is ${end.cause}`);
  await s.juliet.ended(unanswered);
  const nobody = await s.alice.call(`xmpp:nobody@${s.server.domain}`);
  const away = await s.alice.ended(nobody);
  check(['not_found', 'unavailable', 'no_answer', 'timeout', 'forbidden'].includes(away.cause),
    `nobody is there, and the cause is ${away.cause}`);
}

/** Pictures are added in mid-call by either, dropped, and turned down. */
async function video(ctx, peer) {
  const x = randomColour();
  const other = randomColour(x);
  const s = await pageAndChat(ctx, peer, { chat: { camera: other } });
  const { sid, call } = await julietCalls(s);
  await s.alice.paint(call, x);
  expectColour(await s.juliet.page.see(), x, 'juliet sees the page');
  expectColour(await s.alice.page.see(), other, 'the page sees juliet');
  await s.alice.act(call, 'removeVideo');
  await s.juliet.sees(sid, 'no pictures of the page', (c) => (
    !Object.values(c.senders).slice(1).some((one) => ['both', 'responder'].includes(one))));
  await pageAndChatHear(s, 1.2);
  await s.juliet.hangUp(sid);
  await s.alice.ended(call);
  const second = await julietCalls(s);
  await s.juliet.addVideo(second.sid, other);
  expectColour(await s.alice.page.see(), other, 'the page sees juliet');
  await s.juliet.removeVideo(second.sid);
  await sleep(500);
  await pageAndChatHear(s, 1.2);
  await s.juliet.hangUp(second.sid);
  await s.alice.ended(second.call);
  await s.juliet.content();
}

/** Text both ways, with word of its delivery. */
async function text(ctx, peer) {
  const s = await house(ctx, peer);
  const juliet = await ChatPhone.open(s.browser, s.server, 'juliet');
  const alice = await Client.open(ctx, s.gateway, 'alice');
  const said = await juliet.say(`alice@${WEB}`, 'wherefore art thou?');
  const frame = await alice.frame('message.incoming');
  check(frame.text === 'wherefore art thou?', `the text is ${frame.text}`);
  check(frame.from.uri === `xmpp:${juliet.jid}`, `it is from ${frame.from.uri}`);
  await juliet.delivered(said);
  await alice.request({ type: 'message.send', to: `xmpp:${juliet.jid}`, text: 'here & <there>' });
  const got = await juliet.hears('here & <there>');
  check(got.from.startsWith(`alice@${WEB}`), `it is from ${got.from}`);
}

/** Two pages of alice ring; one answers, the other is told. */
async function twoPages(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const other = await Phone.open(s.browser, s.gateway.url, 'alice', {
    name: 'page-alice-2', tone: randomTone(s.tone, s.theirs),
  });
  const sid = await s.juliet.call(`alice@${WEB}`);
  const call = await s.alice.incoming();
  const second = await other.incoming();
  await s.juliet.ringing(sid);
  await s.alice.act(call, 'accept');
  const end = await other.ended(second);
  check(end.cause === 'answered_elsewhere', `the other page is told ${end.cause}`);
  await s.juliet.is(sid, 'connected');
  await s.alice.flowing();
  expectTone(await s.alice.page.hear(1.5), s.theirs, 'the page hears juliet');
  await s.alice.hangUp(call);
  await s.juliet.ended(sid);
}

const kase = (peer) => (name, sentence, run) => ({
  name: `jingle-${name}`, peer, sentence, run: (ctx) => run(ctx, peer), ms: 90_000,
});

export const cases = ['prosody', 'ejabberd'].flatMap((peer) => [
  kase(peer)('called', 'a chat user calls a page by a proposal: sound both ways', called),
  kase(peer)('calls', 'a page calls a chat user, two resources ring: sound both ways', calls),
  kase(peer)('ice-restart', 'either restarts ICE, in calls that either began: sound', restartIce),
  ...(peer === 'ejabberd' ? [] : [
    kase(peer)('straight', 'the same both ways without a proposal: sound both ways', straight),
    kase(peer)('gathered', 'a phone that gathers first, called and calling: sound', gathered),
    kase(peer)('hold', 'either holds and resumes, by content-modify and session-info; mute', hold),
    kase(peer)('refused', 'a chat user’s calls: declined, busy, taken back, not answered', refused),
    kase(peer)('refuses', 'calls to a chat user: declined, busy, taken back, unanswered', refuses),
    kase(peer)('video', 'pictures are added and dropped in mid-call, by either', video),
    kase(peer)('text', 'text both ways, with word of its delivery', text),
    kase(peer)('two-pages', 'two pages ring, one answers: the other is told', twoPages),
  ]),
]);
