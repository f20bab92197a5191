// Chat users call each other through a chat server, without the gateway: the lab's own phones.

import { Ejabberd } from '../../peers/ejabberd/ejabberd.mjs';
import { Misbehaving } from '../../peers/slixmpp/slixmpp.mjs';
import { Prosody } from '../../peers/prosody/prosody.mjs';
import { Browser } from '../browser.mjs';
import { ChatPhone } from '../chat-phone.mjs';
import { check, sleep, until } from '../lab.mjs';
import { expectColour, expectSilence, expectTone, randomColour, randomTone } from '../tone.mjs';

const SERVERS = { prosody: Prosody, ejabberd: Ejabberd };

/** A server, juliet and romeo, each in a page with a tone. */
async function two(ctx, peer, juliet = {}, romeo = {}) {
  const starting = SERVERS[peer].start(ctx, { users: ['juliet', 'romeo'] });
  const browser = await Browser.start(ctx);
  const server = await starting;
  const x = randomTone();
  const y = randomTone(x);
  const a = await ChatPhone.open(browser, server, 'juliet', { tone: x, ...juliet });
  const b = await ChatPhone.open(browser, server, 'romeo', { tone: y, ...romeo });
  return { server, browser, a, b, x, y };
}

async function hearEachOther({ a, b, x, y }, seconds = 1.5) {
  await Promise.all([a.flowing(), b.flowing()]);
  const [here, there] = await Promise.all([a.page.hear(seconds), b.page.hear(seconds)]);
  expectTone(here, y, 'juliet hears romeo');
  expectTone(there, x, 'romeo hears juliet');
}

/** juliet calls romeo, who answers. */
async function talk(s, to, options) {
  const call = await s.a.call(to, options);
  await s.b.incoming();
  await s.a.ringing(call);
  await s.b.accept(call);
  await Promise.all([s.a.is(call, 'connected'), s.b.is(call, 'connected')]);
  await hearEachOther(s);
  return call;
}

async function restarted(s, call, who) {
  const before = await who.page.state();
  await who.restartIce(call);
  await until(10_000, 'new credentials at both ends', async () => {
    const now = await who.page.state();
    return now.localUfrag !== before.localUfrag && now.remoteUfrag !== before.remoteUfrag
      && now.signaling === 'stable' && now.connection === 'connected';
  });
  await sleep(300);
  await hearEachOther(s);
}

async function straight(ctx, peer) {
  const s = await two(ctx, peer, { as: 'stanza' }, { as: 'stanza' });
  const call = await talk(s, s.b.full);
  await restarted(s, call, s.a);
  const end = await s.a.hangUp(call);
  check(end.by === 'local', `ended by ${end.by}`);
  const there = await s.b.ended(call);
  check(there.by === 'remote' && there.condition === 'success', JSON.stringify(there));
}

async function proposed(ctx, peer) {
  const s = await two(ctx, peer);
  const call = await talk(s, s.b.jid);
  const order = (await s.a.stanzas(/jingle-message|session-initiate/))
    .map(({ xml }) => /<(propose|ringing|proceed)\b|action="(session-initiate)"/.exec(xml))
    .filter(Boolean).map((m) => m[1] ?? m[2]);
  check(`${order}` === 'propose,ringing,proceed,session-initiate', `in this order: ${order}`);
  await restarted(s, call, s.a);
  await restarted(s, call, s.b);
  await s.b.hangUp(call);
  await s.a.ended(call);
  await s.a.content();
  await s.b.content();
}

async function held(ctx, peer) {
  const s = await two(ctx, peer);
  const call = await talk(s, s.b.jid);
  for (const how of ['modify', 'info']) {
    await s.a.hold(call, how);
    if (how === 'info') await s.b.sees(call, 'held', (c) => c.heldThere);
    else await s.b.sees(call, 'held', (c) => Object.values(c.senders)[0] === 'initiator');
    await sleep(500);
    expectSilence(await s.b.page.hear(1), 'romeo hears who holds', 0.2);
    await s.a.resume(call, how);
    await s.b.sees(call, 'resumed', (c) => !c.heldThere && Object.values(c.senders)[0] === 'both');
    await sleep(300);
    await hearEachOther(s, 1.2);
  }
  await s.b.mute(call);
  await s.a.sees(call, 'mute', (c) => c.muteThere.length === 1);
  await s.a.hangUp(call);
}

async function pictures(ctx, peer) {
  const x = randomColour();
  const y = randomColour(x);
  const s = await two(ctx, peer, {}, { camera: y });
  const call = await talk(s, s.b.jid);
  await s.a.addVideo(call, x);
  expectColour(await s.b.page.see(), x, 'romeo sees juliet');
  expectColour(await s.a.page.see(), y, 'juliet sees romeo');
  await s.a.removeVideo(call);
  await s.b.sees(call, 'no pictures', (c) => Object.keys(c.senders).length === 1);
  await hearEachOther(s, 1.2);
  await s.b.addVideo(call, x);
  await s.a.sees(call, 'still without', (c) => Object.keys(c.senders).length === 1);
  await hearEachOther(s, 1.2);
  await s.a.hangUp(call);
}

async function refused(ctx, peer) {
  const s = await two(ctx, peer, {}, { busy: true, rings: false });
  const declined = await s.a.call(s.b.jid);
  await s.b.incoming();
  await s.b.ring(declined);
  await s.a.ringing(declined);
  await s.b.reject(declined);
  const first = await s.a.ended(declined);
  check(first.by === 'remote' && first.condition === 'decline', JSON.stringify(first));
  const taken = await s.a.call(s.b.jid);
  await s.b.incoming();
  await s.a.retract(taken);
  const second = await s.b.ended(taken);
  check(second.by === 'remote' && second.condition === 'cancel', JSON.stringify(second));
  // Straight, gathered first, and one call beside another.
  const straightCall = await s.a.call(s.b.full, { propose: false, trickle: false });
  await s.b.incoming();
  const [initiate] = await s.a.stanzas(/session-initiate/);
  check(/<candidate\b/.test(initiate.xml), 'no candidate in what was gathered first');
  const besides = await s.a.call(s.b.jid);
  const third = await s.a.ended(besides);
  check(third.by === 'remote' && third.condition === 'busy', JSON.stringify(third));
  await s.b.reject(straightCall);
  const fourth = await s.a.ended(straightCall);
  check(fourth.by === 'remote' && fourth.condition === 'decline', JSON.stringify(fourth));
  const nobody = await s.a.call(`nobody@${s.server.domain}`);
  const fifth = await s.a.ended(nobody);
  check(fifth.by === 'error', JSON.stringify(fifth));
}

async function elsewhere(ctx, peer) {
  const s = await two(ctx, peer);
  const desk = await ChatPhone.open(s.browser, s.server, 'romeo', { resource: 'desk' });
  const call = await s.a.call(s.b.jid);
  await s.b.incoming();
  await desk.incoming();
  await s.a.sees(call, 'two ring', (c) => c.ringers?.length === 2);
  await s.b.accept(call);
  const end = await desk.ended(call);
  check(end.by === 'elsewhere', JSON.stringify(end));
  await s.a.is(call, 'connected');
  await hearEachOther(s);
  const said = await s.a.say(s.b.jid, 'good night');
  await s.b.hears('good night');
  await s.a.delivered(said);
  await s.a.hangUp(call);
}

async function restart(ctx, peer) {
  const s = await two(ctx, peer);
  const call = await talk(s, s.b.jid);
  await s.server.kill();
  await sleep(500);
  await s.server.run();
  await Promise.all([s.a.online(), s.b.online()]);
  await hearEachOther(s);
  await s.b.hangUp(call);
  await s.a.ended(call);
}

/** The one who misbehaves, against a phone of the lab: restarts at once, and foreign stanzas. */
async function misbehaving(ctx, peer) {
  const starting = SERVERS[peer].start(ctx, { users: ['romeo', 'mallory', 'eve'] });
  const browser = await Browser.start(ctx);
  const server = await starting;
  const romeo = await ChatPhone.open(browser, server, 'romeo', { tone: randomTone() });
  const both = await Misbehaving.start(ctx, server, 'both-restart', { to: romeo.full });
  const call = await romeo.incoming();
  await romeo.accept(call);
  await both.tells({ text: 'talking' });
  await romeo.restartIce(call);
  await both.tells({ event: 'note', text: 'restarted', ours: 'result' });
  const { candidates } = await both.tells({ event: 'note', text: 'answered' });
  check(candidates > 0, 'a restart was answered without a candidate');
  const other = await Misbehaving.start(ctx, server, 'foreign', {
    to: romeo.full, user: 'eve', sid: call, victim: `mallory@${server.domain}/bad`,
  });
  const replies = await other.ended();
  check(replies['session-terminate'].jingle === 'unknown-session', JSON.stringify(replies));
  await romeo.is(call, 'connected');
  await romeo.hangUp(call);
  await both.ended();
}

const kase = (peer) => (name, sentence, run) => ({
  name: `lab-chat-${name}`, peer, gateway: false, sentence, ms: 90_000,
  run: (ctx) => run(ctx, peer),
});

export const cases = ['prosody', 'ejabberd'].flatMap((peer) => [
  kase(peer)('straight', 'two chat users: session-initiate, sound, an ICE restart', straight),
  kase(peer)('proposed', 'two chat users: a proposal, sound, ICE restarts by either', proposed),
  ...(peer === 'ejabberd' ? [] : [
    kase(peer)('hold', 'hold by content-modify and by session-info, and mute', held),
    kase(peer)('video', 'pictures are added, dropped, and turned down', pictures),
    kase(peer)('refused', 'declined, retracted, busy, nobody there', refused),
    kase(peer)('elsewhere', 'two resources ring, one answers, the other is told; text', elsewhere),
    kase(peer)('misbehaving', 'slixmpp does what no client should, to such a user', misbehaving),
    kase(peer)('restart', 'the server is killed and started again in mid-call', restart),
  ]),
]);
