// baresip without a PBX between: ICE and DTLS-SRTP straight to the browser, SIP by the gateway.

import { Baresip } from '../../peers/baresip/baresip.mjs';
import { Browser } from '../browser.mjs';
import { Gateway } from '../gateway.mjs';
import { address, check, sleep } from '../lab.mjs';
import { Phone } from '../phone.mjs';
import { holdAndResume, pageAndPhoneHear } from '../setting.mjs';
import { randomTone } from '../tone.mjs';

async function beside(ctx, { answer = 'auto' } = {}) {
  const theirs = randomTone();
  const tone = randomTone(theirs);
  const phone = await Baresip.start(ctx, { tone: theirs, answer });
  const gateway = await Gateway.start(ctx, {
    host: address,
    config: {
      trunk: [{
        name: 'phone', uri: `sip:${address}:${phone.port}`, addresses: [address], health: '0s',
        udp_max_bytes: 60_000,
      }],
      route: [{ match: '*', to: 'trunk:phone' }],
    },
  });
  const browser = await Browser.start(ctx, { tone });
  const alice = await Phone.open(browser, gateway.url, 'alice');
  return { phone, gateway, alice, tone, theirs };
}

const kase = (name, sentence, play, options) => ({
  name, peer: 'baresip', sentence, run: async (ctx) => play(await beside(ctx, options)),
});

export const cases = [
  kase('both-ways', 'the page calls baresip: either hears the other’s tone', async (s) => {
    const call = await s.alice.call('phone');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s, 2);
    await s.alice.hangUp(call);
    await s.phone.event('CALL_CLOSED');
  }),
  kase('called', 'baresip calls the page, which answers: sound both ways', async (s) => {
    await s.phone.dial(`sip:alice@${s.gateway.sip}`);
    const call = await s.alice.incoming();
    await s.alice.act(call, 'accept');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s, 2);
    await s.phone.order('hangup');
    const end = await s.alice.ended(call);
    check(end.by === 'remote', `ended by ${end.by}`);
  }),
  kase('hold', 'the page holds and resumes: silence there, then its tone again', async (s) => {
    const call = await s.alice.call('phone');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s, 2);
    await holdAndResume(s, call);
    await s.alice.hangUp(call);
  }),
  kase('ice-restart', 'a new ufrag in mid-call, and the sound goes on', async (s) => {
    const call = await s.alice.call('phone');
    await s.alice.is(call, 'connected');
    await pageAndPhoneHear(s, 2);
    await s.alice.act(call, 'restartIce');
    await sleep(2_000);
    await pageAndPhoneHear(s, 2);
    await s.alice.hangUp(call);
  }),
  kase('cancel', 'the page hangs up while baresip rings', async (s) => {
    const call = await s.alice.call('phone');
    await s.phone.event('CALL_INCOMING');
    await s.alice.is(call, 'ringing');
    await s.alice.act(call, 'hangUp');
    const end = await s.alice.ended(call);
    check(end.cause === 'cancelled', `the cause is ${end.cause}`);
    await s.phone.event('CALL_CLOSED');
  }, { answer: 'manual' }),
];
