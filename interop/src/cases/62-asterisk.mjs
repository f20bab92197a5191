// More with Asterisk: keys, pictures, two calls at once, and calls that ring while the socket is
// lost.

import { check, sleep, until } from '../lab.mjs';
import { TcpRelay } from '../relay.mjs';
import { asteriskHears, atAsterisk } from '../setting.mjs';
import {
  expectColour, expectSilence, expectTone, keys, randomColour, randomTone,
} from '../tone.mjs';

const kase = (name, sentence, play, setting) => ({
  name, peer: 'asterisk', sentence, run: async (ctx) => play(await atAsterisk(ctx, setting), ctx),
});

/** Four keys, none twice in a row: two of the same could be heard as one. */
const randomKeys = () => [...'1234567890*'].sort(() => Math.random() - 0.5).slice(0, 4).join('');

/** Calls `number` and waits until it is answered and media flow. */
async function talk({ alice }, number) {
  const call = await alice.call(number);
  await alice.is(call, 'connected');
  await alice.flowing();
  return call;
}

/** Calls `number`, which says nothing by itself, and waits until the path of the media stands. */
async function reach({ alice }, number) {
  const call = await alice.call(number);
  await alice.is(call, 'connected');
  await until(5_000, 'the path of the media stands', async () => (
    (await alice.page.state()).connection === 'connected'));
  return call;
}

/** The page presses keys, and the dial plan tells which it has read. */
async function press(s) {
  const call = await reach(s, '621');
  const pressed = randomKeys();
  await s.alice.act(call, 'dtmf', pressed, 160);
  const told = await until(15_000, 'the dial plan tells the keys', () => s.asterisk
    .events({ Event: 'UserEvent', UserEvent: 'Keys' }).find((e) => !e.seen));
  told.seen = true;
  check(told.Heard === pressed, `pressed ${pressed}, Asterisk read ${told.Heard || 'none'}`);
  await s.alice.ended(call);
  return /-> .*"call\.dtmf"/.test(s.alice.page.log());
}

/** Waits until the page sees `colour`. */
async function sees({ alice }, colour, what) {
  await until(12_000, `${what}: a picture`, async () => (await alice.page.see()) !== null);
  expectColour(await alice.page.see(), colour, what);
}

/** Calls with a microphone and a camera of one colour. */
function callWithPictures(alice, to, colour) {
  return alice.page.run(async ([number, rgb]) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of window.lab.paint(rgb).getTracks()) stream.addTrack(track);
    return window.crosspoint.call(number, { stream }).id;
  }, [to, colour]);
}

/** Loses the socket; it cannot come back before `socketBack`. */
function loseSocket(relay, how) {
  relay.refuse(true);
  if (how === 'rst') relay.cut();
  else relay.silence();
}

/** Lets the socket come back, and waits until the page has resumed. */
async function socketBack({ relay, alice, gateway }) {
  relay.refuse(false);
  relay.cut();
  await until(20_000, 'the page resumes', async () => (
    (await gateway.metric('crosspoint_events_total', { event: 'json_resumed' })) ?? 0) >= 1, 200);
  await alice.connected(20_000);
}

export const cases = [
  kase('keypad', 'keys pressed in mid-call are heard at the other end, in their order', async (s) => {
    check(!await press(s), 'the keys went through the gateway, not by RTP');
  }),
  kase('keypad-info', 'the same by INFO, where telephone-event is not agreed upon', async (s) => {
    check(await press(s), 'the keys did not go through the gateway');
  }, { options: { user: 'gw4' } }),
  kase('keys-from-there', 'the far end presses keys (RTP): the page plays their tones', async (s) => {
    const pressed = randomKeys();
    const call = await reach(s, `622${pressed}`);
    await s.alice.page.listen();
    await sleep(4_000);
    // A lost packet tears a key in two; none was pressed twice in a row.
    const heard = keys(await s.alice.page.sound(), 48_000).replace(/(.)\1+/g, '$1');
    check(heard === pressed, `Asterisk pressed ${pressed}, the page heard ${heard || 'none'}`);
    await s.alice.hangUp(call);
  }),
  kase('keys-from-there-info', 'the same by INFO: the page is told', async (s) => {
    const pressed = randomKeys();
    const call = await reach(s, `622${pressed}`);
    await s.alice.page.run((id) => {
      window.keys = '';
      window.crosspoint.calls.get(id).on('dtmf', ({ digit }) => { window.keys += digit; });
    }, call);
    const heard = await until(6_000, 'four keys', async () => {
      const all = await s.alice.page.run(() => window.keys);
      return all.length >= 4 && all;
    });
    check(heard === pressed, `Asterisk pressed ${pressed}, the page was told ${heard}`);
    await s.alice.hangUp(call);
  }, { options: { user: 'gw4' } }),
  kase('video', 'a call with pictures: the colour that went out comes back, and the sound', async (s) => {
    const colour = randomColour();
    const call = await callWithPictures(s.alice, '600', colour);
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    await sees(s, colour, 'the page sees the echo');
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
    await s.alice.hangUp(call);
  }, { options: { user: 'gw5' } }),
  kase(
    'video-added',
    'pictures are added in mid-call and dropped: their echo comes, and ends; the sound goes on',
    async (s) => {
      const colour = randomColour();
      const call = await talk(s, '600');
      await s.alice.paint(call, colour);
      await sees(s, colour, 'the page sees the echo');
      const { sections } = await s.alice.page.state();
      check(`${sections.map((m) => m.split(' ')[0])}` === 'audio,video', `there are ${sections}`);
      await s.alice.act(call, 'removeVideo');
      await sleep(1_000);
      const before = (await s.alice.page.state()).decoded;
      await sleep(1_500);
      const after = await s.alice.page.state();
      check(after.decoded === before, `${after.decoded - before} pictures came after the end`);
      check(`${after.sections}` === `${sections}`, `${sections} became ${after.sections}`);
      expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
      await s.alice.hangUp(call);
    },
    { options: { user: 'gw5' } },
  ),
  kase('video-refused', 'pictures are added where there are none: told so, the sound goes on', async (s) => {
    const call = await talk(s, '600');
    const why = await s.alice.paint(call, randomColour()).then(() => null, (e) => e.message);
    check(why && /no video/.test(why), `the page is told ${why}`);
    check(await s.alice.state(call) === 'connected', 'the call has ended');
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
    await s.alice.hangUp(call);
  }),
  kase(
    'two-calls',
    'two calls at once, one on hold, and changed over: each hears and is heard in its turn',
    async (s) => {
      const x = randomTone(s.tone);
      const y = randomTone(s.tone, x);
      const first = await talk(s, `8${x}`);
      expectTone(await s.alice.page.hear(1.5), x, 'the page hears the first');
      await s.alice.act(first, 'hold');
      // The recording is a little behind.
      await sleep(1_000);
      const held = s.asterisk.recorded(x);
      const second = await talk(s, `8${y}`);
      expectTone(await s.alice.page.hear(1.5), y, 'the page hears the second');
      await asteriskHears(s.asterisk, y, s.tone);
      // Held sound may not be recorded at all; what is recorded is silent.
      const silent = async (of, from) => {
        if (s.asterisk.recorded(of) - from > 0.5) {
          expectSilence(s.asterisk.heard(of, from), `Asterisk hears the held ${of}`, 0.2);
        }
      };
      await silent(x, held);
      await s.alice.act(second, 'hold');
      await s.alice.act(first, 'resume');
      await sleep(1_000);
      const from = s.asterisk.recorded(y);
      await asteriskHears(s.asterisk, x, s.tone);
      await silent(y, from);
      // The ears are at the latest connection; the first one is heard when that is gone.
      await s.alice.hangUp(second);
      expectTone(await s.alice.page.hear(1.5), x, 'the page hears the first again');
      await s.alice.hangUp(first);
      await s.asterisk.gone('gw1');
    },
  ),
  ...[['rst', 'by RST', 1_500], ['silence', 'by silence', 4_500]].map(([how, words, ms]) => kase(
    `rings-in-the-gap-${how}`,
    `it rings, the socket is lost ${words}: it rings still when the page is back, and is answered`,
    async (s) => {
      const theirs = randomTone(s.tone);
      await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: `8${theirs}` });
      const call = await s.alice.incoming();
      loseSocket(s.relay, how);
      await sleep(ms);
      check((await s.asterisk.channels()).some((c) => c.startsWith('PJSIP/gw1-')), 'the call ended');
      await socketBack(s);
      check(await s.alice.state(call) === 'incoming', 'it rings no more');
      await s.alice.act(call, 'accept');
      await s.alice.is(call, 'connected');
      await s.alice.flowing();
      expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
      await asteriskHears(s.asterisk, theirs, s.tone);
      await s.alice.hangUp(call);
      await s.asterisk.gone('gw1');
    },
    {
      through: (ctx, port) => TcpRelay.start(ctx, port),
      options: { client: { heartbeat: '1s', heartbeat_deadline: '3s' } },
    },
  )),
];
