// The lab itself, without the gateway: what fails here is no fault of the gateway's.

import { Baresip } from '../../peers/baresip/baresip.mjs';
import { Sipp } from '../../peers/sipp/sipp.mjs';
import { Browser, emptyPage } from '../browser.mjs';
import { address, check, sleep } from '../lab.mjs';
import { expectSilence, expectTone, randomTone } from '../tone.mjs';

/** Two connections in one page, each a microphone of its own, joined directly. */
async function joinInPage(page, tones) {
  await page.run(async ([x, y]) => {
    const make = async (hz) => {
      window.lab.sing(hz);
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const pc = new RTCPeerConnection();
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
      return pc;
    };
    const a = await make(x);
    const b = await make(y);
    a.onicecandidate = (e) => b.addIceCandidate(e.candidate ?? undefined).catch(() => {});
    b.onicecandidate = (e) => a.addIceCandidate(e.candidate ?? undefined).catch(() => {});
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    Object.assign(window, { a, b });
  }, tones);
}

export const cases = [
  {
    name: 'lab-page',
    peer: 'chromium',
    gateway: false,
    sentence: 'two connections in one page hear each other’s tone, and silence after mute',
    async run(ctx) {
      const x = randomTone();
      const y = randomTone(x);
      const browser = await Browser.start(ctx, { tone: x });
      const page = await browser.open(await emptyPage(ctx));
      await joinInPage(page, [x, y]);
      expectTone(await page.hear(2), x, 'b hears a');
      await page.run(() => { window.lab.connection = () => window.a; });
      expectTone(await page.hear(2), y, 'a hears b');
      await page.run(() => { window.b.getSenders()[0].track.enabled = false; });
      await sleep(300);
      expectSilence(await page.hear(1.5), 'a hears b, who is mute');
    },
  },
  {
    name: 'lab-echo',
    peer: 'baresip',
    gateway: false,
    sentence: 'baresip (ICE, DTLS-SRTP, Opus) hears its own tone from Asterisk’s echo',
    async run(ctx) {
      await ctx.shared.asterisk();
      const tone = randomTone();
      const phone = await Baresip.start(ctx, {
        user: 'phone2', password: 'pw-phone2', server: '127.0.0.1:5160', tone,
      });
      await phone.registered();
      await phone.dial('sip:600@127.0.0.1:5160');
      await phone.event('CALL_ESTABLISHED');
      await phone.recorded(2.5);
      expectTone(phone.heard(1.5), tone, 'baresip hears the echo');
    },
  },
  {
    name: 'lab-tone',
    peer: 'asterisk',
    gateway: false,
    sentence: 'a phone with plain RTP and Asterisk hear each other’s tone',
    async run(ctx) {
      const asterisk = await ctx.shared.asterisk();
      const x = randomTone();
      const y = randomTone(x);
      const phone = await Baresip.start(ctx, {
        user: 'phone1', password: 'pw-phone1', server: '127.0.0.1:5160', tone: x, webrtc: false,
        codecs: 'pcmu/8000/1',
      });
      await phone.registered();
      await phone.dial(`sip:8${y}@127.0.0.1:5160`);
      await phone.event('CALL_ESTABLISHED');
      await phone.recorded(2.5);
      expectTone(phone.heard(1.5), y, 'the phone hears Asterisk');
      expectTone(asterisk.heard(y, 1), x, 'Asterisk hears the phone');
    },
  },
  {
    name: 'lab-signaling',
    peer: 'sipp',
    gateway: false,
    sentence: 'SIPp calls SIPp: INVITE, 180, 200, ACK, BYE',
    async run(ctx) {
      const callee = await Sipp.start(ctx, 'uas-answer', { name: 'callee' });
      const caller = await Sipp.start(ctx, 'uac-call', {
        name: 'caller', to: `127.0.0.1:${callee.port}`, user: 'bob',
      });
      await caller.passed();
      await callee.passed();
      check(address, 'the lab has an address');
    },
  },
];
