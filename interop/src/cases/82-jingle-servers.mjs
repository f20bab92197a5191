// The gateway logged in as a user's own account; and servers that are killed amid calls.

import { ChatPhone } from '../chat-phone.mjs';
import {
  WEB, aliceCalls, endedFor, julietCalls, onlineAgain, pageAndChat, pageAndChatHear,
} from '../chat-setting.mjs';
import { check, sleep, until } from '../lab.mjs';

const alices = { accounts: ['alice'], to: 'chat' };

/** alice's page is called at her own address, and calls as it. */
async function account(ctx, peer) {
  const s = await pageAndChat(ctx, peer, alices);
  const jid = `alice@${s.server.domain}`;
  const first = await julietCalls(s, jid);
  await s.juliet.hangUp(first.sid);
  await s.alice.ended(first.call);
  const second = await aliceCalls(s);
  const { peer: from } = await s.juliet.look(second.sid);
  check(from.startsWith(`${jid}/`), `juliet is called by ${from}`);
  await s.alice.hangUp(second.call);
  endedFor(await s.juliet.ended(second.sid), 'remote', 'success');
  await s.juliet.content();
}

/** alice has a chat phone, too: either of her ends may answer, and the other is told. */
async function elsewhere(ctx, peer) {
  const s = await pageAndChat(ctx, peer, alices);
  const jid = `alice@${s.server.domain}`;
  const desk = await ChatPhone.open(s.browser, s.server, 'alice', { resource: 'desk' });
  const first = await s.juliet.call(jid);
  const call = await s.alice.incoming();
  await desk.incoming();
  await desk.accept(first);
  await s.juliet.is(first, 'connected');
  const end = await s.alice.ended(call);
  check(end.cause === 'answered_elsewhere', `the page is told ${end.cause}`);
  await s.juliet.hangUp(first);
  const second = await s.juliet.call(jid);
  const again = await s.alice.incoming();
  await desk.incoming();
  await s.alice.act(again, 'accept');
  endedFor(await desk.ended(second), 'elsewhere', 'accept', 'proceed');
  await s.juliet.is(second, 'connected');
  await pageAndChatHear(s);
  await s.alice.hangUp(again);
  await s.juliet.ended(second);
}

/** The server is killed and started again in mid-call: the sound goes on, and so does the call. */
async function midCall(ctx, peer, options = {}, to = `alice@${WEB}`) {
  const s = await pageAndChat(ctx, peer, options);
  const { sid, call } = await julietCalls(s, to);
  await s.server.kill();
  await sleep(500);
  await pageAndChatHear(s, 1.2);
  await s.server.run();
  await Promise.all([s.juliet.online(), onlineAgain(s)]);
  await s.alice.is(call, 'connected');
  await s.juliet.hold(sid);
  await until(5_000, 'the page is told of the hold', () => s.alice.page.run(
    (id) => window.crosspoint.calls.get(id).media.some((m) => m.held_there),
    call,
  ));
  await s.juliet.resume(sid);
  await sleep(300);
  await pageAndChatHear(s, 1.2);
  await s.alice.hangUp(call);
  endedFor(await s.juliet.ended(sid), 'remote', 'success');
}

/** The server is killed and started again while it rings, one way and the other. */
async function ringing(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const sid = await s.juliet.call(`alice@${WEB}`);
  const call = await s.alice.incoming();
  await s.juliet.ringing(sid);
  await s.server.kill();
  await s.server.run();
  await Promise.all([s.juliet.online(), onlineAgain(s)]);
  // What was proposed lives on at both ends: it can still be answered.
  await s.alice.act(call, 'accept');
  await Promise.all([s.alice.is(call, 'connected'), s.juliet.is(sid, 'connected')]);
  await pageAndChatHear(s);
  await s.juliet.hangUp(sid);
  await s.alice.ended(call);
  const back = await s.alice.call(`xmpp:${s.juliet.jid}`);
  const other = await s.juliet.incoming();
  await s.alice.is(back, 'ringing');
  await s.server.kill();
  await s.server.run();
  await Promise.all([s.juliet.online(), onlineAgain(s)]);
  await s.juliet.accept(other);
  await Promise.all([s.alice.is(back, 'connected'), s.juliet.is(other, 'connected')]);
  await s.alice.hangUp(back);
  await s.juliet.ended(other);
}

/** A call while the server is down: told so soon, and the next one goes through. */
async function down(ctx, peer) {
  const s = await pageAndChat(ctx, peer, { config: { xmpp: { queue_wait: '2s' } } });
  await s.server.kill();
  await until(5_000, 'the loss is noticed', async () => (
    await s.gateway.metric('crosspoint_chat_server_online', { entity: 'web' })) === 0);
  const call = await s.alice.call(`xmpp:${s.juliet.jid}`);
  const end = await s.alice.ended(call);
  check(['unreachable', 'unavailable', 'timeout', 'no_answer'].includes(end.cause),
    `the cause is ${end.cause}`);
  await s.server.run();
  await Promise.all([s.juliet.online(), onlineAgain(s)]);
  const { sid, call: next } = await aliceCalls(s);
  await s.alice.hangUp(next);
  await s.juliet.ended(sid);
}

const kase = (peer) => (name, sentence, run) => ({
  name: `jingle-${name}`, peer, sentence, run: (ctx) => run(ctx, peer), ms: 90_000,
});

export const cases = ['prosody', 'ejabberd'].flatMap((peer) => [
  kase(peer)('account', 'a page is called at its own chat address, and calls as it', account),
  kase(peer)('server-in-call', 'the server is killed in mid-call: the call lives on', midCall),
  ...(peer === 'ejabberd' ? [] : [
    kase(peer)('account-elsewhere', 'a page and a chat phone of one address ring', elsewhere),
    kase(peer)('account-in-call', 'the server is killed in mid-call, of an account', (ctx) => (
      midCall(ctx, peer, alices, 'alice@xmpp.test'))),
    kase(peer)('server-rings', 'the server is killed while it rings: answered after that', ringing),
    kase(peer)('server-down', 'a call while the server is down fails, the next does not', down),
  ]),
]);
