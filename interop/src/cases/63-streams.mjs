// The TCP connection between the gateway and Asterisk is lost, by RST and by silence, in mid-call
// and while it rings. The media do not notice, and what has to be said goes over a new one.

import { check, sleep, until } from '../lab.mjs';
import { TcpRelay } from '../relay.mjs';
import { asteriskHears, atAsterisk } from '../setting.mjs';
import { expectTone, randomTone } from '../tone.mjs';

const kase = (name, sentence, play, { t1 = '500ms' } = {}) => ({
  name,
  peer: 'asterisk',
  sentence,
  async run(ctx) {
    const asterisk = await ctx.shared.asterisk();
    await asterisk.hangup('gw7');
    // Asterisk names this relay as its own address: all that we send to it goes through it.
    const stream = await TcpRelay.start(ctx, asterisk.relayedPort, { listen: asterisk.relayPort });
    const s = await atAsterisk(ctx, {
      options: {
        user: 'gw7', transport: 'tcp', port: asterisk.relayPort, sip: { t1 },
      },
    });
    return play({ ...s, stream }, ctx);
  },
});

/** Loses what there is; new connections are taken. */
function lose(stream, how) {
  check(stream.taken > 0 && stream.pairs.size > 0, 'SIP does not go through the relay');
  if (how === 'rst') stream.cut();
  else stream.silence();
  return stream.taken;
}

/** What is left of the call at Asterisk goes, over a connection that is new. */
async function gone({ asterisk, stream }, before, ms) {
  await asterisk.gone('gw7', ms);
  check(stream.taken > before, 'there was no new connection');
}

const ways = [['rst', 'by RST', {}, 6_000], ['silence', 'by silence', { t1: '100ms' }, 20_000]];

export const cases = [
  ...ways.map(([how, words, timers, ms]) => kase(
    `stream-in-call-${how}`,
    `SIP’s TCP connection is lost ${words} in mid-call: the sound goes on, our BYE gets through`,
    async (s) => {
      const theirs = randomTone(s.tone);
      const call = await s.alice.call(`8${theirs}`);
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      const before = lose(s.stream, how);
      await sleep(1_000);
      expectTone(await s.alice.page.hear(1.5), theirs, 'the page hears Asterisk meanwhile');
      await asteriskHears(s.asterisk, theirs, s.tone);
      await s.alice.hangUp(call);
      await gone(s, before, ms);
    },
    timers,
  )),
  kase(
    'stream-hold-rst',
    'the connection is lost by RST in mid-call, and the page holds and resumes: both get through',
    async (s) => {
      const theirs = randomTone(s.tone);
      const call = await s.alice.call(`8${theirs}`);
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      const before = lose(s.stream, 'rst');
      await sleep(500);
      await s.alice.act(call, 'hold');
      await s.alice.act(call, 'resume');
      check(s.stream.taken > before, 'there was no new connection');
      await sleep(500);
      await asteriskHears(s.asterisk, theirs, s.tone);
      await s.alice.hangUp(call);
      await gone(s, before, 6_000);
    },
  ),
  kase(
    'stream-hold-silence',
    'the connection is lost by silence, and the page holds: told that it failed, our BYE gets through',
    async (s) => {
      const call = await s.alice.call('600');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      const before = lose(s.stream, 'silence');
      const why = await s.alice.act(call, 'hold').then(() => null, (error) => error.message);
      check(why, 'the hold is said to have succeeded');
      const end = await s.alice.ended(call);
      check(end.cause === 'timeout', `the cause is ${end.cause}`);
      await gone(s, before, 20_000);
    },
    { t1: '100ms' },
  ),
  kase(
    'stream-ringing-silence',
    'the connection is lost by silence while it rings, and the page hangs up: our CANCEL gets through',
    async (s) => {
      const call = await s.alice.call('613');
      await s.alice.is(call, 'ringing', 5_000);
      const before = lose(s.stream, 'silence');
      await sleep(500);
      check(await s.alice.state(call) === 'ringing', 'it rings no more');
      await s.alice.act(call, 'hangUp');
      await s.alice.ended(call);
      await gone(s, before, 20_000);
    },
    { t1: '100ms' },
  ),
  kase(
    'stream-ringing-rst',
    'the connection is lost by RST while it rings: ended, unreachable, and nothing rings on there',
    async (s) => {
      const call = await s.alice.call('613');
      await s.alice.is(call, 'ringing', 5_000);
      const before = lose(s.stream, 'rst');
      const end = await s.alice.ended(call, 3_000);
      check(end.cause === 'unreachable', `the cause is ${end.cause}`);
      await gone(s, before, 6_000);
    },
  ),
  kase(
    'stream-bye-rst',
    'the connection is lost by RST in mid-call, and Asterisk hangs up: its BYE comes over a new one',
    async (s) => {
      const call = await s.alice.call('600');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      lose(s.stream, 'rst');
      await sleep(500);
      await s.asterisk.hangup('gw7');
      const end = await s.alice.ended(call);
      check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
    },
  ),
  kase(
    'stream-called-rst',
    'the connection is lost by RST, and Asterisk calls: it rings, is answered, and heard',
    async (s) => {
      const theirs = randomTone(s.tone);
      lose(s.stream, 'rst');
      await sleep(500);
      await s.asterisk.originate({ channel: 'PJSIP/gw7', extension: `8${theirs}` });
      const call = await s.alice.incoming();
      // And once more while it rings: our 200 must find a way.
      for (const pair of s.stream.pairs) pair.near.resetAndDestroy();
      await until(5_000, 'it rings', async () => (await s.alice.state(call)) === 'incoming');
      await s.alice.act(call, 'accept');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
      await s.alice.hangUp(call);
      await s.asterisk.gone('gw7');
    },
  ),
];
