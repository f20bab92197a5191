// A chat user who does what no client should, against the gateway: what he gets back, and that
// nobody else notices.

import { Misbehaving } from '../../peers/slixmpp/slixmpp.mjs';
import {
  WEB, aliceCalls, house, julietCalls, pageAndChat, pageAndChatHear,
} from '../chat-setting.mjs';
import { check, sleep } from '../lab.mjs';
import { Client } from '../client.mjs';

const TO = `alice@${WEB}`;

const broken = (gateway) => gateway.metric('crosspoint_events_total', { event: 'xmpp_broken' });

/** Checks that each named reply is an error with one of these conditions, where any are given. */
function refusedWith(replies, wanted) {
  for (const [step, ...conditions] of wanted) {
    const reply = replies[step];
    check(reply?.type === 'error', `${step}: ${JSON.stringify(reply)}`);
    check(!conditions.length || conditions.some((c) => c === reply.jingle || c === reply.condition),
      `${step} is refused with ${reply.condition} ${reply.jingle}, not with ${conditions}`);
  }
}

/** Runs a scenario against alice, whose client rings; then somebody else still gets through. */
const alone = (scenario, judge) => async (ctx, peer) => {
  const s = await house(ctx, peer);
  const alice = await Client.open(ctx, s.gateway, 'alice');
  const one = await Misbehaving.start(ctx, s.server, scenario, { to: TO });
  const replies = await one.ended(60_000);
  check(await broken(s.gateway) === 0, 'a stream broke');
  judge?.(replies, one, alice);
  // Whatever he began ends with him or was never begun.
  const open = alice.frames.filter((f) => f.type === 'call.incoming').filter((f) => !alice.frames
    .some((e) => e.type === 'call.ended' && e.call === f.call));
  check(open.length <= 1, `${open.length} of his calls still ring`);
  const next = await Misbehaving.start(ctx, s.server, 'honest', { to: TO, user: 'romeo' });
  check((await next.ended())['session-initiate'].type === 'result', 'others cannot call any more');
};

/** A foreign user tries to end a call of juliet's. */
async function foreign(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const { sid, call } = await julietCalls(s);
  const { peer: alice } = await s.juliet.look(sid);
  const one = await Misbehaving.start(ctx, s.server, 'foreign', {
    to: alice, sid, victim: s.juliet.full,
  });
  refusedWith(await one.ended(), [
    ['session-terminate', 'unknown-session'], ['session-accept', 'unknown-session'],
    ['transport-info', 'unknown-session'], ['content-modify', 'unknown-session'],
    ['session-info', 'unknown-session'],
  ]);
  await sleep(700);
  await s.alice.is(call, 'connected');
  await s.juliet.is(sid, 'connected');
  await pageAndChatHear(s, 1.2);
  await s.juliet.hangUp(sid);
  await s.alice.ended(call);
}

/** Both restart ICE at once: the initiator's goes on. */
async function bothRestart(ctx, peer) {
  const s = await pageAndChat(ctx, peer);
  const one = await Misbehaving.start(ctx, s.server, 'both-restart', { to: TO });
  const call = await s.alice.incoming();
  await s.alice.act(call, 'accept');
  await one.tells({ text: 'talking' });
  await s.alice.act(call, 'restartIce');
  await one.tells({ event: 'note', text: 'restarted', ours: 'result' });
  const { candidates } = await one.tells({ event: 'note', text: 'answered' });
  check(candidates > 0, 'the restart was answered without a candidate, which is an offer again');
  await s.alice.act(call, 'hangUp');
  await one.ended();
  // And others still call.
  const next = await aliceCalls(s);
  await s.alice.hangUp(next.call);
}

const kase = (peer) => (name, sentence, run) => ({
  name: `jingle-bad-${name}`, peer, sentence, run: (ctx) => run(ctx, peer), ms: 90_000,
});

export const cases = [
  ...['prosody', 'ejabberd'].map((peer) => kase(peer)(
    'attributes',
    'attributes of 8 KB and 500 KB: the stream goes on',
    alone('attributes', (replies) => refusedWith(replies, [
      ['sid 500000'], ['name 500000'], ['ufrag 500000'],
    ])),
  )),
  kase('prosody')('duplicates', 'the same child twice, everywhere', alone(
    'duplicates',
    (replies) => refusedWith(replies, [['two jingles', 'bad-request']]),
  )),
  kase('prosody')('order', 'requests at the wrong time and by the wrong side', alone(
    'order',
    (replies) => refusedWith(replies, [
      ['accept before initiate', 'unknown-session'],
      ['initiate twice', 'out-of-order', 'conflict', 'tie-break'],
      ['session-accept while it rings', 'out-of-order', 'bad-request'],
      ['content-accept while it rings', 'out-of-order', 'bad-request'],
      ['transport-accept while it rings', 'out-of-order', 'bad-request', 'feature-not-implemented'],
      ['info after the end', 'unknown-session'],
    ]),
  )),
  kase('prosody')('unknown', 'every action for a session that nobody has', alone(
    'unknown',
    (replies) => refusedWith(replies, [
      ['session-info', 'unknown-session'], ['transport-info', 'unknown-session'],
      ['content-add', 'unknown-session'], ['session-accept', 'unknown-session'],
      ['no sid', 'bad-request'], ['no action', 'bad-request'], ['an empty sid', 'bad-request'],
      ['no content', 'bad-request'],
    ]),
  )),
  kase('prosody')('fingerprint', 'fingerprints with white space and worse', alone(
    'fingerprint',
    (replies) => {
      for (const step of ['white space around', 'lower case']) {
        check(replies[step]?.type === 'result', `${step}: ${JSON.stringify(replies[step])}`);
      }
    },
  )),
  kase('prosody')('candidates', 'thousands of candidates, and broken ones', alone('candidates')),
  kase('prosody')('flood', 'proposals by the hundred', alone('flood')),
  kase('prosody')('foreign', 'a foreign user does not end a call', foreign),
  kase('prosody')('both-restart', 'both restart ICE at once: the initiator’s goes on', bothRestart),
];
