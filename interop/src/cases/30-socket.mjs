// The WebSocket is lost, by RST and by silence, in mid-call and while it rings, and things happen
// meanwhile. The call must not notice.

import { check, sleep, until } from '../lab.mjs';
import { TcpRelay } from '../relay.mjs';
import { atAsterisk } from '../setting.mjs';
import { expectTone, randomTone } from '../tone.mjs';

const setting = {
  through: (ctx, port) => TcpRelay.start(ctx, port),
  // So that silence is noticed within the time of a case.
  options: { client: { heartbeat: '1s', heartbeat_deadline: '3s' } },
};

const kase = (name, sentence, play) => ({
  name,
  peer: 'asterisk',
  sentence,
  run: async (ctx) => play(await atAsterisk(ctx, setting)),
});

/** Loses the socket; it cannot come back before `back`. */
function lose(relay, how) {
  relay.refuse(true);
  if (how === 'rst') relay.cut();
  else relay.silence();
}

/** Lets the socket come back, and waits until the page has resumed. */
async function back({ relay, alice, gateway }) {
  relay.refuse(false);
  relay.cut();
  await until(20_000, 'the page resumes', async () => (
    (await gateway.metric('crosspoint_events_total', { event: 'json_resumed' })) ?? 0) >= 1, 200);
  await alice.connected(20_000);
}

const ways = [['rst', 'by RST'], ['silence', 'by silence']];

export const cases = [
  ...ways.map(([how, words]) => kase(
    `cut-in-call-${how}`,
    `the socket is lost ${words} in mid-call: the sound goes on, the page resumes and hangs up`,
    async (s) => {
      const theirs = randomTone(s.tone);
      const call = await s.alice.call(`8${theirs}`);
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      lose(s.relay, how);
      await sleep(1_000);
      expectTone(await s.alice.page.hear(1.5), theirs, 'the page hears Asterisk meanwhile');
      await back(s);
      check(await s.alice.state(call) === 'connected', 'the call has ended');
      await s.alice.hangUp(call);
      await until(5_000, 'Asterisk has no channel left', async () => !(await s.asterisk.channels())
        .some((c) => c.startsWith('PJSIP/gw1-')));
    },
  )),
  ...ways.map(([how, words]) => kase(
    `answered-in-the-gap-${how}`,
    `the socket is lost ${words} while it rings, the 200 falls into the gap: connected after it`,
    async (s) => {
      const call = await s.alice.call('602');
      await s.alice.is(call, 'ringing', 5_000);
      lose(s.relay, how);
      await sleep(3_000);
      await back(s);
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
      await s.alice.hangUp(call);
    },
  )),
  ...ways.map(([how, words]) => kase(
    `bye-in-the-gap-${how}`,
    `the socket is lost ${words} in mid-call, the BYE falls into the gap: ended after it`,
    async (s) => {
      const call = await s.alice.call('600');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      lose(s.relay, how);
      await s.asterisk.hangup('gw1');
      await sleep(500);
      await back(s);
      const end = await s.alice.ended(call);
      check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
    },
  )),
  kase(
    'called-in-the-gap',
    'a call comes while the socket is lost: it rings when the page is back, and is answered',
    async (s) => {
      const theirs = randomTone(s.tone);
      lose(s.relay, 'rst');
      await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: `8${theirs}` });
      await sleep(1_000);
      await back(s);
      const call = await s.alice.incoming();
      await s.alice.act(call, 'accept');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
      await s.alice.hangUp(call);
    },
  ),
  kase('sigterm', 'SIGTERM with nothing to wait for: un-REGISTER, and the end at once', async (s) => {
    check((await s.asterisk.contacts('gw1')).length === 1, 'it was not registered');
    s.gateway.child.kill('SIGTERM');
    const how = await Promise.race([s.gateway.child.exited, sleep(2_500)]);
    check(how, 'it has not ended after 2.5 s');
    check(how.code === 0, `it ended with ${JSON.stringify(how)}`);
    check(!(await s.asterisk.contacts('gw1')).length, 'it is still registered');
  }),
  {
    name: 'drain',
    peer: 'asterisk',
    sentence: 'SIGTERM in mid-call: no new call, the running one goes on, and the end with it',
    async run(ctx) {
      const s = await atAsterisk(ctx, { options: { call: { drain: '30s' } } });
      const call = await s.alice.call('600');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      s.gateway.child.kill('SIGTERM');
      await sleep(500);
      const refused = await s.alice.ended(await s.alice.call('600'));
      check(refused.cause === 'draining', `a new call ended ${refused.cause}`);
      expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo meanwhile');
      await s.alice.act(call, 'hangUp');
      const how = await Promise.race([s.gateway.child.exited, sleep(4_000)]);
      check(how, 'it has not ended 4 s after its last call');
      check(!(await s.asterisk.contacts('gw1')).length, 'it is still registered');
    },
  },
];
