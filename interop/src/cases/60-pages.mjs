// What two pages do with each other in a call: pictures, crossing offers, hidden addresses, keys,
// and what becomes of a call whose page is taken over, copied or closed.

import { check, sleep, until } from '../lab.mjs';
import { Page } from '../browser.mjs';
import { Phone } from '../phone.mjs';
import { TcpRelay } from '../relay.mjs';
import { hearEachOther, twoPages } from '../setting.mjs';
import { expectColour, keys, randomColour } from '../tone.mjs';

const kase = (name, sentence, play, setting) => ({
  name, peer: 'chromium', sentence, run: async (ctx) => play(await twoPages(ctx, setting), ctx),
});

/** Alice and bob meet at a word. */
async function meet({ alice, bob }, word) {
  const first = await alice.call(`join:${word}`);
  await sleep(300);
  const second = await bob.call(`join:${word}`);
  await alice.is(first, 'connected');
  await bob.is(second, 'connected');
  return [first, second];
}

/** Alice calls bob by his name. */
async function ring({ alice, bob }) {
  const first = await alice.call('user:bob');
  const second = await bob.incoming();
  await bob.act(second, 'accept');
  await alice.is(first, 'connected');
  await bob.is(second, 'connected');
  return [first, second];
}

/** Waits until a page sees `colour`. */
async function sees(phone, colour, what) {
  await until(10_000, `${what}: a picture`, async () => (await phone.page.see()) !== null);
  expectColour(await phone.page.see(), colour, what);
}

/** What has been decoded in `ms` milliseconds. */
async function decodedIn(phone, ms) {
  const before = (await phone.page.state()).decoded;
  await sleep(ms);
  return (await phone.page.state()).decoded - before;
}

/** The energy of the sound that a page plays in two seconds. */
async function played(phone) {
  const before = (await phone.page.state()).energy;
  await sleep(2_000);
  return (await phone.page.state()).energy - before;
}

/**
 * Proves that alice and bob hear each other after offers crossed. Chromium gives no more samples of
 * a track whose connection rolled back (it plays it all the same), so what such a page plays is
 * known by its energy: there is some, and none while the other side is mute.
 */
async function playEachOther({ alice, bob }, [first, second]) {
  for (const [one, call, other] of [[alice, first, bob], [bob, second, alice]]) {
    const loud = await played(other);
    await one.act(call, 'mute', true);
    await sleep(500);
    const mute = await played(other);
    await one.act(call, 'mute', false);
    check(loud > 0.02 && mute < 0.001, `${other.user} plays ${loud}, and ${mute} of a mute side`);
  }
}

/** The media sections of both ends of both legs, which must be `kinds`, each with a mid of its own. */
async function sections({ alice, bob }, kinds, before) {
  const all = [];
  for (const phone of [alice, bob]) {
    const { sections: ours, theirSections: theirs } = await phone.page.state();
    check(`${ours}` === `${theirs}`, `${phone.user}: ${ours} meets ${theirs}`);
    check(`${ours.map((m) => m.split(' ')[0])}` === `${kinds}`, `${phone.user} has ${ours}`);
    check(new Set(ours).size === ours.length, `${phone.user}: a mid stands twice: ${ours}`);
    all.push(ours);
  }
  for (const [at, ours] of (before ?? []).entries()) {
    const kept = all[at].slice(0, ours.length);
    check(`${kept}` === `${ours}`, `the sections ${ours} became ${all[at]}`);
  }
  return all;
}

const video = (meeting) => async (s) => {
  const [first, second] = await meeting(s);
  const start = await sections(s, ['audio']);
  const colour = randomColour();
  await s.alice.paint(first, colour);
  await sees(s.bob, colour, 'bob sees alice');
  check(await decodedIn(s.bob, 1_000) > 3, 'bob decodes no pictures');
  const added = await sections(s, ['audio', 'video'], start);
  await hearEachOther(s);
  await s.alice.act(first, 'removeVideo');
  await sleep(700);
  const rest = await decodedIn(s.bob, 1_500);
  check(rest === 0, `bob decodes ${rest} pictures after they were dropped`);
  check(await s.bob.page.see() === null, 'bob still sees something');
  await sections(s, ['audio', 'video'], added);
  // And again, from the other side as well: the section is used again, none is added.
  const [again, back] = [randomColour(colour), randomColour(colour)];
  await s.alice.paint(first, again);
  await sees(s.bob, again, 'bob sees alice again');
  await s.bob.paint(second, back);
  await sees(s.alice, back, 'alice sees bob');
  await sees(s.bob, again, 'bob sees alice still');
  await sections(s, ['audio', 'video'], added);
  await hearEachOther(s);
  await s.alice.hangUp(first);
  await s.bob.ended(second);
};

/** Both make an offer before either hears of the other's. */
async function cross(s, play) {
  const from = { alice: s.alice.page.log().length, bob: s.bob.page.log().length };
  for (const relay of s.relays) relay.hold(true);
  const both = play();
  await sleep(500);
  for (const relay of s.relays) relay.hold(false);
  await both;
  const crossed = [s.alice, s.bob].filter((phone) => (
    /<- .*"type":"rollback".*"glare"/.test(phone.page.log().slice(from[phone.user]))));
  check(crossed.length > 0, 'no offers crossed: nobody was told of glare');
  await until(10_000, 'both are stable', async () => {
    const states = [await s.alice.page.state(), await s.bob.page.state()];
    return states.every((now) => now.signaling === 'stable' && now.connection === 'connected');
  }, 200);
}

export const cases = [
  kase(
    'video-join',
    'pictures are added in mid-call, dropped and added again: seen there, in the same section',
    video((s) => meet(s, 'pictures')),
  ),
  kase('video-user', 'the same in a call to user:bob', video(ring)),
  kase(
    'glare',
    'both add pictures at once, and restart ICE at once: one offer yields, both come through',
    async (s) => {
      const [first, second] = await ring(s);
      await hearEachOther(s);
      const ours = randomColour();
      const theirs = randomColour(ours);
      await cross(s, () => Promise.all([s.alice.paint(first, ours), s.bob.paint(second, theirs)]));
      await sees(s.bob, ours, 'bob sees alice');
      await sees(s.alice, theirs, 'alice sees bob');
      await sections(s, ['audio', 'video']);
      const before = (await s.alice.page.state()).localUfrag;
      await cross(s, () => Promise.all([
        s.alice.act(first, 'restartIce'), s.bob.act(second, 'restartIce')]));
      check((await s.alice.page.state()).localUfrag !== before, 'ICE was not restarted');
      await sees(s.bob, ours, 'bob sees alice after the restart');
      await playEachOther(s, [first, second]);
      await s.bob.hangUp(second);
      await s.alice.ended(first);
    },
    { through: (ctx, port) => TcpRelay.start(ctx, port) },
  ),
  kase(
    'mdns',
    'pages that may not use a microphone hide their addresses behind names: sound both ways',
    async (s) => {
      const [first, second] = await meet(s, 'hidden');
      await hearEachOther(s);
      for (const phone of [s.alice, s.bob]) {
        const told = [...phone.page.log().matchAll(/-> .*?"candidate:\S+ \d \S+ \d+ (\S+) /g)];
        check(told.length > 0, `${phone.user} told no candidate`);
        const plain = told.map((m) => m[1]).filter((a) => !a.endsWith('.local'));
        check(!plain.length, `${phone.user} told ${plain}: nothing was hidden`);
      }
      await s.alice.hangUp(first);
      await s.bob.ended(second);
    },
    { browser: { mdns: true }, page: (tone) => ({ tone, permissions: [] }) },
  ),
  kase(
    'taken-over',
    'another page goes on with the session: 4409 for the first, the call lives in the second',
    async (s) => {
      const [first, second] = await ring(s);
      await hearEachOther(s);
      // A profile of its own: within one, the library sees to it that a copy begins anew.
      const copy = await Phone.open(s.one, s.gateway.url, 'alice', {
        name: 'page-alice-2', storage: await s.alice.storage(),
      });
      const codes = await until(5_000, 'the first page is closed', async () => {
        const closes = await s.alice.page.run(() => window.lab.closes);
        return closes.length && closes;
      });
      check(`${codes}` === '4409', `the first page was closed with ${codes}`);
      await copy.is(first, 'connected');
      await copy.flowing(15_000);
      await hearEachOther({ ...s, alice: copy });
      await sleep(2_000);
      const left = await s.alice.page.run(() => [window.crosspoint.state, window.lab.closes.length]);
      check(`${left}` === 'closed,1', `the first page is ${left}: it came back`);
      await copy.hangUp(first);
      await s.bob.ended(second);
    },
  ),
  kase(
    'copied-tab',
    'the tab is duplicated in mid-call: the copy has a session of its own, the call stays',
    async (s, ctx) => {
      const [first, second] = await ring(s);
      const opened = s.alice.page.page.context().waitForEvent('page');
      await s.alice.page.run(() => { window.open(window.location.href); });
      const copy = Object.assign(new Phone(), {
        user: 'alice', ctx, page: new Page(await opened, ctx, 'page-alice-2'),
      });
      await copy.connected();
      const calls = await copy.page.run(() => window.crosspoint.calls.size);
      check(calls === 0, `the copy has ${calls} calls`);
      const closes = await s.alice.page.run(() => window.lab.closes.length);
      check(closes === 0, 'the first tab lost its connection');
      await hearEachOther(s);
      await s.alice.hangUp(first);
      await s.bob.ended(second);
    },
  ),
  kase('keypad', 'keys pressed in mid-call are heard at the other end, in their order', async (s) => {
    const [first, second] = await meet(s, 'keys');
    await hearEachOther(s);
    const all = '1234567890*#';
    // No key twice in a row: two of the same could be heard as one.
    const pressed = [...all].sort(() => Math.random() - 0.5).slice(0, 5).join('');
    await s.alice.act(first, 'mute', true);
    await sleep(300);
    await s.bob.page.listen();
    await s.alice.act(first, 'dtmf', pressed, 200);
    await sleep(2_500);
    const heard = keys(await s.bob.page.sound(), 48_000);
    check(heard === pressed, `pressed ${pressed}, heard ${heard || 'none'}`);
    check(!/-> .*"call.dtmf"/.test(s.alice.page.log()), 'the keys went through the gateway');
    await s.alice.hangUp(first);
    await s.bob.ended(second);
  }),
  kase(
    'closed-tab',
    'bob’s tab is closed: his call outlives it for a while, then alice is told of the end',
    async (s) => {
      const [first] = await ring(s);
      await hearEachOther(s);
      const closed = Date.now();
      await s.bob.page.page.close();
      await sleep(2_500);
      check(await s.alice.state(first) === 'connected', 'the call ended at once');
      const end = await s.alice.ended(first, 5_000);
      const after = Date.now() - closed;
      check(end.cause === 'timeout', `the cause is ${end.cause}`);
      check(after > 3_500 && after < 7_500, `it ended after ${after} ms, not after 4 s`);
    },
    { config: { call: { answered_grace: '4s' } } },
  ),
  kase(
    'closed-tab-rings',
    'alice’s tab is closed while bob rings: he rings for a while, then is told of the end',
    async (s) => {
      const first = await s.alice.call('user:bob');
      const second = await s.bob.incoming();
      await s.alice.is(first, 'ringing');
      await s.alice.page.page.close();
      await sleep(1_500);
      check(await s.bob.state(second) === 'incoming', 'it stopped ringing at once');
      const end = await s.bob.ended(second, 5_000);
      check(['timeout', 'cancelled'].includes(end.cause), `the cause is ${end.cause}`);
    },
    { config: { call: { ringing_grace: '3s' } } },
  ),
];
