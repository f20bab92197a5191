// SIPp as a peer with good and with bad manners. The client is one of the JSON protocol without a
// browser: no sound, only signaling.

import { Sipp } from '../../peers/sipp/sipp.mjs';
import { answer } from '../client.mjs';
import { check, sleep, until } from '../lab.mjs';
import {
  answers, asCallee, asCaller, callee, empty, refusedWith, talkAndHangUp,
} from '../sipp-setting.mjs';

export const cases = [
  asCallee('call', 'INVITE, 180, 200, ACK, BYE over UDP', 'uas-answer', talkAndHangUp),
  asCallee('call-tcp', 'the same over TCP', 'uas-answer', talkAndHangUp, { transport: 'tcp' }),
  asCallee(
    'tcp-refused',
    'an offer too large for UDP goes by TCP, which is refused, and then by UDP',
    'uas-answer',
    talkAndHangUp,
    { trunk: { udp_max_bytes: 500 } },
  ),
  asCallee('far-end-hangs-up', 'BYE from the far end', 'uas-answer-hangup', async (s) => {
    const call = await s.alice.call('1000');
    await s.alice.frame('call.accepted', { call });
    const end = await s.alice.frame('call.ended', { call });
    check(end.by === 'remote' && end.cause === 'normal', `ended ${end.cause} by ${end.by}`);
    await s.sipp.passed();
    await empty(s.gateway);
  }),
  asCallee('invite-lost', 'the first two INVITEs are lost: sent again', 'uas-answer', async (s) => {
    await talkAndHangUp(s);
    check(s.relay.lost.length === 2, `the relay lost ${s.relay.lost.length}`);
  }, { loses: (text, count) => text.startsWith('INVITE') && count <= 2 }),
  asCallee('ok-lost', 'the first 200 is lost: one answer for the client', 'uas-answer', async (s) => {
    const { call } = await talkAndHangUp(s, 1_000);
    check(s.alice.count('call.accepted', call) === 1, 'it was answered twice');
    check(s.relay.lost.length === 1, `the relay lost ${s.relay.lost.length}`);
  }, { loses: (text, count) => /^SIP\/2.0 200[^]*CSeq: \d+ INVITE/.test(text) && count <= 1 }),
  asCallee('ack-lost', 'the first two ACKs are lost: each 200 gets another', 'uas-answer', async (s) => {
    const { call } = await talkAndHangUp(s, 2_500);
    check(s.alice.count('call.accepted', call) === 1, 'it was answered twice');
    check(s.relay.lost.length === 2, `the relay lost ${s.relay.lost.length}`);
  }, { loses: (text, count) => text.startsWith('ACK') && count <= 2 }),
  asCallee('bye-lost', 'the first BYE is lost: sent again', 'uas-answer', async (s) => {
    await talkAndHangUp(s);
  }, { loses: (text, count) => text.startsWith('BYE') && count <= 1 }),
  asCallee('busy', '486: ended, busy', 'uas-busy', refusedWith('busy', 486)),
  {
    name: 'redirect',
    peer: 'sipp',
    sentence: '302: followed to the Contact that it names',
    run: async (ctx) => {
      const other = await Sipp.start(ctx, 'uas-answer', { name: 'elsewhere' });
      const s = await callee(ctx, 'uas-redirect', { elsewhere: other.port });
      await talkAndHangUp(s);
      await other.passed();
    },
  },
  asCallee('cancel', 'CANCEL while it rings: 487', 'uas-cancelled', async (s) => {
    const call = await s.alice.call('1000');
    await s.alice.frame('call.ringing', { call });
    await s.alice.end(call);
    const end = await s.alice.frame('call.ended', { call });
    check(end.cause === 'cancelled', `the cause is ${end.cause}`);
    await s.sipp.passed();
    await empty(s.gateway);
  }),
  asCallee('late-200', 'the 200 crosses the CANCEL: ACK and BYE', 'uas-late-200', async (s) => {
    const call = await s.alice.call('1000');
    await s.alice.frame('call.ringing', { call });
    await s.alice.end(call);
    await s.alice.frame('call.ended', { call });
    await s.sipp.passed();
    check(!s.alice.count('call.accepted', call), 'the client was told of an answer');
    await empty(s.gateway);
  }),
  asCallee('fork', 'two phones ring, one answers, the other too: ACK and BYE for it', 'uas-fork', (
    s,
  ) => talkAndHangUp(s, 1_000)),
  asCallee(
    'early-twice',
    'two early answers, and another in the 200: none is lost in silence',
    'uas-early-twice',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.progress', { call });
      // The 200 has another codec: the difference reaches the client as an answer or a new offer.
      const end = s.alice.follow(call);
      await until(10_000, 'the description of the 200 reaches the client', () => s.alice.frames
        .some((f) => f.call === call && /PCMU/.test(f.description?.sdp ?? '')
          && /^m=audio \d+ \S+ 0/m.test(f.description.sdp)), 50);
      await sleep(300);
      await s.alice.end(call);
      await end;
      await s.sipp.passed();
      await empty(s.gateway);
    },
  ),
  asCallee('stale-nonce', 'challenged, then told that the nonce is stale: 3 INVITEs', 'uas-stale', (
    s,
  ) => talkAndHangUp(s), { trunk: { user: 'gateway', password: 'secret' } }),
  asCallee(
    'wrong-password',
    'challenged again and again: gives up, no endless retry',
    'uas-wrong',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.ended', { call });
      await sleep(500);
      await s.sipp.passed();
      check(s.sipp.count('\nINVITE sip') <= 2, 'it tried again');
      await empty(s.gateway);
    },
    { trunk: { user: 'gateway', password: 'wrong' } },
  ),
  asCallee('hold', 'the client holds and resumes: two re-INVITEs', 'uas-hold', async (s) => {
    const call = await s.alice.call('1000');
    await s.alice.frame('call.accepted', { call });
    await s.alice.offer(call, 'call.hold', 'sendonly');
    await s.alice.offer(call, 'call.resume', 'sendrecv');
    await sleep(200);
    await s.alice.end(call);
    await s.sipp.passed();
    await empty(s.gateway);
  }),
  asCaller('called', 'INVITE, 180, 200, ACK, BYE from SIPp', 'uac-call', answers),
  asCaller('called-tcp', 'the same over TCP', 'uac-call', answers, { transport: 'tcp' }),
  asCaller('offerless', 'an INVITE without an offer: the 200 has one', 'uac-offerless', async (bob) => {
    const incoming = await bob.incoming();
    check(incoming.need === 'offer', `the client is asked for ${incoming.need}`);
    await bob.accept(incoming);
    await bob.frame('call.ended', { call: incoming.call });
  }),
  asCaller('caller-gives-up', 'CANCEL while the client rings: 487', 'uac-cancel', async (bob) => {
    const incoming = await bob.incoming();
    const end = await bob.frame('call.ended', { call: incoming.call });
    check(end.cause === 'cancelled', `the cause is ${end.cause}`);
  }),
  asCaller('client-busy', 'the client is busy: 486', 'uac-busy', async (bob) => {
    const incoming = await bob.incoming();
    await bob.request({ type: 'call.reject', call: incoming.call, cause: 'busy' });
  }),
  asCaller('far-end-holds', 're-INVITEs from the far end: hold, resume', 'uac-hold', async (bob) => {
    const incoming = await answers(bob);
    const held = bob.frames.filter((f) => f.type === 'call.media' && f.call === incoming.call)
      .map((f) => f.media.some((m) => m.held_there));
    check(held.includes(true), 'the client was not told of the hold');
    check(held.at(-1) === false, 'the client was not told of its end');
  }),
  asCaller(
    'overlap',
    'a re-INVITE over a pending one: 500 with Retry-After, and the first goes on',
    'uac-overlap',
    async (bob) => {
      const incoming = await bob.incoming();
      await bob.accept(incoming);
      await bob.frame('call.description', { call: incoming.call }).then(async (f) => {
        await sleep(700);
        await bob.request({
          type: 'call.description', call: incoming.call, negotiation: f.negotiation,
          description: {
            type: 'answer', sdp: answer(f.description.sdp),
          },
        });
      });
      await bob.follow(incoming.call);
    },
  ),
  asCaller('unknown-method', '405 with Allow, 501, OPTIONS in a dialog', 'uac-unknown', answers),
  asCaller('dtmf', 'INFO with application/dtmf-relay reaches the client', 'uac-dtmf', async (bob) => {
    const incoming = await answers(bob);
    const digit = await bob.frame('call.dtmf', { call: incoming.call }).catch(() => null)
      ?? bob.frames.find((f) => f.type === 'call.dtmf');
    check(digit?.digit === '5', `the digit is ${digit?.digit}`);
  }),
  asCaller('options', 'OPTIONS out of a dialog: 200 with Allow', 'uac-options'),
  asCaller('nobody', 'an INVITE for somebody who is not there: 480', 'uac-nobody', null, {
    to: 'nobody',
  }),
  asCaller('stranger', 'a BYE of a call that nobody knows: 481', 'uac-stranger'),
];
