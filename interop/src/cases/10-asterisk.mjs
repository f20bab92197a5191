// A page calls extensions of Asterisk through the gateway, and Asterisk calls the page.

import { Baresip } from '../../peers/baresip/baresip.mjs';
import { certificates } from '../certificates.mjs';
import { check, sleep, until } from '../lab.mjs';
import { atAsterisk } from '../setting.mjs';
import { expectSilence, expectTone, randomTone } from '../tone.mjs';

/** A case in which alice's page is registered at Asterisk. */
const kase = (name, sentence, play, setting) => ({
  name,
  peer: 'asterisk',
  sentence,
  run: async (ctx) => play(await atAsterisk(ctx, setting), ctx),
});

/** Calls the extension that plays a tone and records; proves the sound at both ends. */
async function talk({ alice, asterisk, tone }) {
  const theirs = randomTone(tone);
  const call = await alice.call(`8${theirs}`);
  await alice.is(call, 'connected');
  await alice.flowing();
  expectTone(await alice.page.hear(2), theirs, 'the page hears Asterisk');
  await hears(asterisk, theirs, tone);
  return { call, theirs };
}

/** Proves that Asterisk hears `tone` now, in the recording of its own tone `theirs`. */
async function hears(asterisk, theirs, tone, seconds = 1.5) {
  const from = asterisk.recorded(theirs);
  await until(10_000, 'Asterisk records', () => asterisk.recorded(theirs) > from + seconds, 100);
  expectTone(asterisk.heard(theirs, from), tone, 'Asterisk hears the page');
}

/** Expects the end of a call by SIP `status`. */
async function refused({ alice }, number, status, causes) {
  const call = await alice.call(number);
  const end = await alice.ended(call, 15_000);
  check(causes.includes(end.cause), `the cause is ${end.cause}, not one of ${causes}`);
  check(end.status === undefined || end.status === status, `the status is ${end.status}`);
  return end;
}

export const cases = [
  kase('echo', 'the far end sends the sound back (600): the tone that went out comes in', async (s) => {
    const call = await s.alice.call('600');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
    await s.alice.hangUp(call);
    await until(5_000, 'Asterisk has no channel left', async () => !(await s.asterisk.channels())
      .some((c) => c.startsWith('PJSIP/gw1-')));
  }),
  kase('both-ways', 'either end hears the other’s tone, and silence while it is mute', async (s) => {
    const { call, theirs } = await talk(s);
    await s.alice.act(call, 'mute', true);
    await sleep(1_000);
    const from = s.asterisk.recorded(theirs);
    await sleep(2_000);
    expectSilence(s.asterisk.heard(theirs, from), 'Asterisk hears the mute page');
    await s.alice.act(call, 'mute', false);
    await sleep(300);
    await hears(s.asterisk, theirs, s.tone);
    await s.alice.hangUp(call);
  }),
  kase('rings-then-answers', '180, then 200 (602): ringing is told before the answer', async (s) => {
    const call = await s.alice.call('602');
    await s.alice.is(call, 'ringing', 5_000);
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
    await s.alice.hangUp(call);
  }),
  kase('early-media', '183 with early media (603): a tone is heard before the answer', async (s) => {
    const early = randomTone(s.tone);
    const call = await s.alice.call(`603${early}`);
    await s.alice.is(call, 'early', 5_000);
    await s.alice.flowing(5_000);
    expectTone(await s.alice.page.hear(1.5), early, 'the page hears early media');
    check(await s.alice.state(call) === 'early', 'the call was answered meanwhile');
    await s.alice.is(call, 'connected');
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
    await s.alice.hangUp(call);
  }),
  kase('busy', '486 (604): ended, busy', (s) => refused(s, '604', 486, ['busy'])),
  kase('forbidden', '403 (605): ended, forbidden or declined', (s) => refused(
    s,
    '605',
    403,
    ['forbidden', 'declined'],
  )),
  kase('unknown', '404 (618): ended, not found', (s) => refused(s, '618', 404, ['not_found'])),
  kase('announcement', '183 with an announcement, then 404 (612): heard, then ended', async (s) => {
    const early = randomTone(s.tone);
    const call = await s.alice.call(`612${early}`);
    await s.alice.is(call, 'early', 5_000);
    await s.alice.flowing(5_000);
    expectTone(await s.alice.page.hear(1.5), early, 'the page hears the announcement');
    const end = await s.alice.ended(call);
    check(end.cause === 'not_found', `the cause is ${end.cause}`);
  }),
  kase('cancel', 'hung up while it rings (613): CANCEL, and Asterisk’s channel goes', async (s) => {
    const call = await s.alice.call('613');
    await s.alice.is(call, 'ringing', 5_000);
    await s.alice.act(call, 'hangUp');
    const end = await s.alice.ended(call);
    check(['cancelled', 'normal'].includes(end.cause), `the cause is ${end.cause}`);
    await until(5_000, 'Asterisk has no channel left', async () => !(await s.asterisk.channels())
      .some((c) => c.startsWith('PJSIP/gw1-')));
  }),
  kase('redirect', '302 (617): followed, or ended as moved', async (s) => {
    const call = await s.alice.call('617');
    const state = await until(10_000, 'an outcome', async () => {
      const now = await s.alice.state(call);
      return ['connected', 'ended'].includes(now) && now;
    });
    if (state === 'ended') {
      const end = await s.alice.ended(call);
      check(end.cause === 'moved', `the cause is ${end.cause}`);
    } else await s.alice.hangUp(call);
  }),
  kase('far-end-hangs-up', 'BYE from the far end (601): ended by remote', async (s) => {
    const call = await s.alice.call('601');
    await s.alice.is(call, 'connected');
    const end = await s.alice.ended(call, 15_000);
    check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
  }),
  kase('called', 'Asterisk calls the page, which answers: sound both ways', async (s, ctx) => {
    const theirs = randomTone(s.tone);
    await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: `8${theirs}` });
    const call = await s.alice.incoming();
    ctx.note(`incoming ${call}`);
    await s.alice.act(call, 'accept');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
    await hears(s.asterisk, theirs, s.tone);
    await s.asterisk.hangup('gw1');
    const end = await s.alice.ended(call);
    check(end.by === 'remote', `ended by ${end.by}`);
  }),
  kase('called-and-declines', 'Asterisk calls the page, which declines', async (s) => {
    await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: '600' });
    const call = await s.alice.incoming();
    await s.alice.act(call, 'reject');
    await s.alice.ended(call);
    await until(5_000, 'Asterisk has no channel left', async () => !(await s.asterisk.channels())
      .some((c) => c.startsWith('PJSIP/gw1-')));
  }),
  kase('caller-gives-up', 'Asterisk calls the page and takes the call back: ended', async (s) => {
    await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: '600' });
    const call = await s.alice.incoming();
    await s.asterisk.hangup('gw1');
    const end = await s.alice.ended(call);
    check(end.cause === 'cancelled', `the cause is ${end.cause}`);
  }),
  kase('hold', 'the page holds and resumes: silence there, then its tone again', async (s) => {
    const { call, theirs } = await talk(s);
    await s.alice.act(call, 'hold');
    await sleep(1_000);
    const from = s.asterisk.recorded(theirs);
    await sleep(2_000);
    const rest = s.asterisk.recorded(theirs) - from;
    if (rest > 0.5) expectSilence(s.asterisk.heard(theirs, from), 'Asterisk hears who holds', 0.2);
    await s.alice.act(call, 'resume');
    await sleep(500);
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk again');
    await hears(s.asterisk, theirs, s.tone);
    await s.alice.hangUp(call);
  }),
  kase('ice-restart', 'a new ufrag and a new pair in mid-call, and the sound goes on', async (s) => {
    const { call, theirs } = await talk(s);
    const before = await s.alice.page.state();
    await s.alice.act(call, 'restartIce');
    const after = await until(10_000, 'new credentials and a new pair', async () => {
      const now = await s.alice.page.state();
      const fresh = now.localUfrag !== before.localUfrag && now.pair?.id !== before.pair?.id;
      return fresh && now.signaling === 'stable' && now.connection === 'connected' && now;
    }, 200);
    check(after.remoteUfrag !== before.remoteUfrag, 'the far end kept its ufrag');
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
    await hears(s.asterisk, theirs, s.tone);
    await s.alice.hangUp(call);
  }),
  kase('reload', 'the page is reloaded three times in mid-call: the call goes on, with sound', async (s) => {
    // Through the echo: Asterisk's recording loses its place when a channel's sound pauses.
    const call = await s.alice.call('600');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    expectTone(await s.alice.page.hear(2), s.tone, 'the page hears its echo');
    for (let times = 1; times <= 3; times += 1) {
      await s.alice.page.page.reload();
      await s.alice.connected();
      await s.alice.is(call, 'connected');
      await s.alice.flowing(15_000);
      await sleep(500);
      expectTone(await s.alice.page.hear(2), s.tone, `the page hears its echo after reload ${times}`);
    }
    await s.alice.act(call, 'mute');
    await sleep(500);
    expectSilence(await s.alice.page.hear(1.5), 'the page, muted, hears its echo');
    await s.alice.hangUp(call);
  }),
  kase('called-and-reload', 'called, answered, then the page is reloaded: the call goes on', async (s) => {
    const theirs = randomTone(s.tone);
    await s.asterisk.originate({ channel: 'PJSIP/gw1', extension: `8${theirs}` });
    const call = await s.alice.incoming();
    await s.alice.act(call, 'accept');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    await s.alice.page.page.reload();
    await s.alice.connected();
    await s.alice.is(call, 'connected');
    await s.alice.flowing(15_000);
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
    await s.alice.hangUp(call);
  }),
  kase('far-end-holds', 'a phone behind Asterisk holds and resumes; the page is told', async (s, ctx) => {
    const theirs = randomTone(s.tone);
    const phone = await Baresip.start(ctx, {
      user: 'phone1', password: 'pw-phone1', server: '127.0.0.1:5160', tone: theirs,
      webrtc: false, answer: 'auto', codecs: 'pcmu/8000/1',
    });
    await phone.registered();
    const call = await s.alice.call('phone1');
    await s.alice.is(call, 'connected');
    await s.alice.flowing();
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears the phone');
    const held = (value) => until(5_000, `the page is told that the hold is ${value}`, () => s.alice
      .page.run(([id, wanted]) => window.crosspoint.calls.get(id).media
        .some((m) => m.held_there) === wanted, [call, value]));
    await phone.order('hold');
    await held(true);
    await sleep(300);
    expectSilence(await s.alice.page.hear(1.5), 'the page hears who holds', 0.2);
    await phone.order('resume');
    await held(false);
    await sleep(500);
    expectTone(await s.alice.page.hear(2), theirs, 'the page hears the phone again');
    expectTone(phone.heard(1.5), s.tone, 'the phone hears the page');
    await s.alice.hangUp(call);
  }),
  kase('sha-256', 'registers and calls with a digest of SHA-256', async (s) => {
    const call = await s.alice.call('600');
    await s.alice.is(call, 'connected');
    await s.alice.hangUp(call);
  }, { options: { user: 'gw2' } }),
  kase('tcp', 'SIP over TCP: registration, call, sound', async (s) => {
    const { call } = await talk(s);
    await s.alice.hangUp(call);
  }, { options: { transport: 'tcp' } }),
  {
    name: 'tls',
    peer: 'asterisk',
    sentence: 'SIP over TLS with an authority that is trusted: registration, call, sound',
    async run(ctx) {
      const { ca } = await certificates();
      const asterisk = await ctx.shared.asterisk();
      const s = await atAsterisk(ctx, {
        options: {
          user: 'gw3', transport: 'tls', port: asterisk.tlsPort, sip: { tls: { ca } },
        },
      });
      const { call } = await talk(s);
      await s.alice.hangUp(call);
    },
  },
  ...[['tls-stranger', 'otherCa', 'an authority that is not trusted'], ['tls-name', null,
    'a certificate for another name']].map(([name, key, what]) => ({
    name,
    peer: 'asterisk',
    sentence: `SIP over TLS with ${what}: no registration, and the page is told`,
    async run(ctx) {
      const keys = await certificates();
      const asterisk = await ctx.shared.asterisk();
      // Asterisk's certificate names 127.0.0.1, but not this other address of loopback.
      const host = key ? asterisk.host : '127.0.0.9';
      const s = await atAsterisk(ctx, {
        options: {
          user: 'gw3', transport: 'tls', host, port: asterisk.tlsPort,
          sip: { tls: { ca: key ? keys[key] : keys.ca } },
        },
        register: false,
      });
      await s.alice.account('alice', 'failed', 15_000);
      check(!(await asterisk.contacts('gw3')).length, 'it registered nevertheless');
    },
  })),
  kase('ipv6', 'SIP over IPv6: registration, call, sound', async (s) => {
    const { call } = await talk(s);
    await s.alice.hangUp(call);
  }, { options: { user: 'gw6', host: '::1' }, gateway: { host: '::1' } }),
  {
    name: 'trunk',
    peer: 'asterisk',
    sentence: 'a trunk known by its address: calls both ways without registration and password',
    async run(ctx) {
      const port = 5060;
      const s = await atAsterisk(ctx, {
        register: false,
        gateway: { host: '127.0.0.5', port },
        options: { account: null, route: [{ match: '*', to: 'trunk:pbx' }] },
      });
      const { call } = await talk(s);
      await s.alice.hangUp(call);
      const theirs = randomTone(s.tone);
      await s.asterisk.originate({ channel: 'PJSIP/alice@gwtrunk', extension: `8${theirs}` });
      const second = await s.alice.incoming();
      await s.alice.act(second, 'accept');
      await s.alice.is(second, 'connected');
      await s.alice.flowing();
      expectTone(await s.alice.page.hear(2), theirs, 'the page hears Asterisk');
      await s.alice.hangUp(second);
    },
  },
];
