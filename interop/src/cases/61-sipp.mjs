// SIPp again: what the far end may do in a call, what it may refuse with, and what is lost.

import dgram from 'node:dgram';
import net from 'node:net';
import { Client } from '../client.mjs';
import { Gateway } from '../gateway.mjs';
import { check, freePort, sleep, until } from '../lab.mjs';
import { description } from '../../peers/sipp/sipp.mjs';
import {
  answers, asCallee, asCaller, empty, refusedWith,
} from '../sipp-setting.mjs';

/** What SIPp offers to hold with `direction`, and what it must hear. */
const directed = (direction) => ({
  'OFFER-DIRECTED': description({ session: 303, setup: 'actpass', version: 2, direction }),
  MIRROR: { sendonly: 'recvonly', inactive: 'inactive' }[direction],
});

/** The client was told of the hold, and of its end. */
function toldOfHold(client, call) {
  const held = client.frames.filter((f) => f.type === 'call.media' && f.call === call)
    .map((f) => f.media.some((m) => m.held_there));
  check(held.includes(true), 'the client was not told of the hold');
  check(held.at(-1) === false, 'the client was not told of its end');
}

/** Loses the first `most` messages that are `wanted`. */
const losing = (wanted, most) => {
  let lost = 0;
  return (text) => {
    if (!wanted(text) || lost >= most) return false;
    lost += 1;
    return true;
  };
};

/** A 200 to an INVITE inside a call: not the first CSeq that INVITEs of this call had. */
const laterOk = () => {
  let first = null;
  return (text) => {
    const number = /^CSeq:\s*(\d+) INVITE/im.exec(text)?.[1];
    if (!number) return false;
    first ??= number;
    return number !== first && text.startsWith('SIP/2.0 200');
  };
};

const far = (direction) => [
  asCallee(
    `callee-holds-${direction}`,
    `the callee holds with a=${direction}, its mirror comes back; then it resumes`,
    'uas-holds',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.accepted', { call });
      const follows = s.alice.follow(call);
      await until(8_000, 'two offers are answered', () => s.alice
        .count('call.description', call) === 2, 20);
      await sleep(300);
      await s.alice.end(call);
      await follows;
      await s.sipp.passed();
      toldOfHold(s.alice, call);
      await empty(s.gateway);
    },
    { values: directed(direction) },
  ),
  asCaller(
    `caller-holds-${direction}`,
    `the caller holds with a=${direction}, its mirror comes back; then it resumes`,
    'uac-holds',
    async (bob) => toldOfHold(bob, (await answers(bob)).call),
    { values: directed(direction) },
  ),
];

const statuses = [
  ['480 Temporarily Unavailable', 'unavailable'],
  ['600 Busy Everywhere', 'busy'],
  ['603 Decline', 'declined'],
  ['404 Not Found', 'not_found'],
  ['488 Not Acceptable Here', 'not_acceptable'],
  ['503 Service Unavailable', 'overloaded', 'Retry-After: 7'],
];

/** A gateway before `port`, where there is nothing that answers; Timer B is 3.2 s. */
async function before(ctx, port, transport = 'udp') {
  const gateway = await Gateway.start(ctx, {
    config: {
      sip: { t1: '50ms', t2: '400ms' },
      trunk: [{
        name: 'void', uri: `sip:127.0.0.1:${port};transport=${transport}`, health: '0s',
        udp_max_bytes: 60_000,
      }],
      route: [{ match: '*', to: 'trunk:void' }],
    },
  });
  return { gateway, alice: await Client.open(ctx, gateway, 'alice') };
}

/** Alice calls and hears that nobody can be reached, between `least` and `most` milliseconds. */
async function unreachable({ gateway, alice }, least, most) {
  const began = Date.now();
  const call = await alice.call('1000');
  const end = await alice.frame('call.ended', { call, ms: most + 2_000 });
  const after = Date.now() - began;
  check(end.cause === 'unreachable', `the cause is ${end.cause}`);
  check(end.by === 'gateway', `it was ended by ${end.by}`);
  check(after >= least && after <= most, `it ended after ${after} ms, not ${least} to ${most}`);
  await empty(gateway);
}

export const cases = [
  ...far('sendonly'),
  ...far('inactive'),
  ...statuses.map(([status, cause, header]) => asCallee(
    `status-${status.slice(0, 3)}`,
    `${status}${header ? ` with ${header.split(':')[0]}` : ''}: ended, ${cause}`,
    'uas-status',
    refusedWith(cause, Number(status.slice(0, 3))),
    { values: { STATUS: status, ...(header ? { HEADER: header } : {}) } },
  )),
  asCallee(
    'redirect-loop',
    '302 to itself, for ever: given up, ended as moved',
    'uas-redirect-loop',
    async (s) => {
      const call = await s.alice.call('1000');
      const end = await s.alice.frame('call.ended', { call, ms: 15_000 });
      check(end.cause === 'moved', `the cause is ${end.cause}`);
      await sleep(700);
      const tries = s.sipp.count('\nINVITE sip');
      check(tries >= 1 && tries <= 10, `there were ${tries} INVITEs`);
      await empty(s.gateway);
    },
  ),
  asCallee(
    'glare-491',
    'the peer calls our re-INVITE a collision: it comes again after 2.1 s, one answer in the end',
    'uas-491',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.accepted', { call });
      const began = Date.now();
      const heard = await s.alice.offer(call, 'call.hold', 'sendonly');
      const after = Date.now() - began;
      check(heard.description.type === 'answer', `the client got ${heard.description.type}`);
      check(after >= 2_100 && after < 5_000, `it was answered after ${after} ms`);
      await s.alice.end(call);
      await s.sipp.passed();
      await empty(s.gateway);
    },
  ),
  asCallee(
    'glare-here',
    'the peer’s re-INVITE crosses ours: 491 for it, an answer for ours, and its next one is taken',
    'uas-crossing',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.accepted', { call });
      const heard = await s.alice.offer(call, 'call.hold', 'sendonly');
      check(heard.description.type === 'answer', `the client got ${heard.description.type}`);
      const follows = s.alice.follow(call);
      await until(8_000, 'the peer’s offer is answered', () => s.alice
        .count('call.description', call) === 2, 20);
      await sleep(300);
      await s.alice.end(call);
      await follows;
      await s.sipp.passed();
      await empty(s.gateway);
    },
  ),
  asCallee(
    'video-refused',
    'pictures are added and turned down with port 0: told so, and the slot stays',
    'uas-no-video',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.accepted', { call });
      const heard = await s.alice.offer(call, 'call.description', 'sendrecv', { video: 9 });
      const lines = heard.description.sdp.match(/^m=\w+ \d+/gm);
      check(/^m=audio [1-9]\d*,m=video 0$/.test(`${lines}`), `the client got ${lines}`);
      await s.alice.offer(call, 'call.description', 'sendrecv', { video: 0 });
      await s.alice.end(call);
      await s.sipp.passed();
      await empty(s.gateway);
    },
  ),
  asCaller(
    'video-refused-here',
    'the caller adds pictures, the client turns them down: port 0 in the 200, and the call goes on',
    'uac-video',
    answers,
  ),
  asCallee(
    'reinvite-ok-lost',
    'the 200 to our re-INVITE is lost: one answer for the client, and an ACK for the second',
    'uas-reinvite',
    async (s) => {
      const call = await s.alice.call('1000');
      await s.alice.frame('call.accepted', { call });
      await s.alice.offer(call, 'call.hold', 'sendonly');
      await sleep(300);
      check(s.alice.count('call.description', call) === 1, 'it was answered twice');
      check(s.relay.lost.length === 1, `the relay lost ${s.relay.lost.length}`);
      await s.alice.end(call);
      await s.sipp.passed();
      await empty(s.gateway);
    },
    { loses: losing(laterOk(), 1) },
  ),
  asCaller(
    'our-reinvite-ok-lost',
    'the first two 200 to the caller’s re-INVITE are lost: sent again until the ACK comes',
    'uac-hold',
    async (bob, sipp, gateway, relay) => {
      const { call } = await answers(bob);
      check(relay.lost.length === 2, `the relay lost ${relay.lost.length}`);
      toldOfHold(bob, call);
      check(bob.count('call.description', call) === 2, 'the client was offered the same twice');
    },
    { loses: losing(laterOk(), 2) },
  ),
  (() => {
    const keys = Array.from({ length: 3 }, () => '0123456789*#'[Math.floor(Math.random() * 12)]);
    const shown = (key) => (key === '*' ? '\\*' : key);
    return asCallee(
      'dtmf-out',
      'three keys of the client go out as INFO with application/dtmf-relay, in order',
      'uas-dtmf',
      async (s) => {
        const call = await s.alice.call('1000');
        await s.alice.frame('call.accepted', { call });
        await s.alice.request({ type: 'call.dtmf', call, digits: keys.join(''), duration_ms: 100 });
        await until(5_000, 'SIPp has heard them', () => s.sipp.count('Signal=') >= 3, 50);
        await sleep(300);
        await s.alice.end(call);
        await s.sipp.passed();
        await empty(s.gateway);
      },
      { values: { 'KEY-A': shown(keys[0]), 'KEY-B': shown(keys[1]), 'KEY-C': shown(keys[2]) } },
    );
  })(),
  {
    name: 'silent-target',
    peer: 'sipp',
    sentence: 'a target that never answers (Timer B): the INVITE is sent 7 times, ended unreachable',
    async run(ctx) {
      const silent = dgram.createSocket('udp4');
      const heard = [];
      silent.on('message', (bytes) => heard.push(bytes.toString('latin1')));
      await new Promise((resolve) => silent.bind(0, '127.0.0.1', resolve));
      ctx.defer(() => silent.close());
      await unreachable(await before(ctx, silent.address().port), 3_000, 5_000);
      const invites = heard.filter((text) => text.startsWith('INVITE'));
      const branches = new Set(invites.map((text) => /branch=([^;\s]+)/.exec(text)[1]));
      // At 0, T1, 3, 7, 15, 31 and 63 times T1 (RFC 3261 §17.1.1.2).
      check(invites.length === 7, `it was sent ${invites.length} times`);
      check(branches.size === 1, `in ${branches.size} transactions`);
    },
  },
  {
    name: 'closed-target',
    peer: 'sipp',
    sentence: 'a target whose port is closed, UDP (ICMP): ended unreachable, with Timer B at the latest',
    async run(ctx) {
      await unreachable(await before(ctx, await freePort()), 0, 5_000);
    },
  },
  {
    name: 'refused-target',
    peer: 'sipp',
    sentence: 'a target that refuses TCP: ended unreachable at once',
    async run(ctx) {
      await unreachable(await before(ctx, await freePort(), 'tcp'), 0, 1_500);
    },
  },
  {
    name: 'mute-target',
    peer: 'sipp',
    sentence: 'a target that takes TCP and never answers: ended unreachable with Timer B',
    async run(ctx) {
      const taken = [];
      const server = net.createServer((socket) => {
        taken.push(socket);
        socket.on('error', () => {});
        socket.on('data', (bytes) => { socket.heard = `${socket.heard ?? ''}${bytes}`; });
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      ctx.defer(() => {
        for (const socket of taken) socket.destroy();
        server.close();
      });
      await unreachable(await before(ctx, server.address().port, 'tcp'), 3_000, 5_000);
      const invites = taken.map((s) => s.heard ?? '').join('').match(/^INVITE /gm) ?? [];
      check(invites.length === 1, `the INVITE was sent ${invites.length} times over TCP`);
    },
  },
];
