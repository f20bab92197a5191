// Settings with SIPp as a peer: a gateway before a callee, or behind a caller. The client is one of
// the JSON protocol without a browser.

import { Sipp } from '../peers/sipp/sipp.mjs';
import { Client } from './client.mjs';
import { Gateway } from './gateway.mjs';
import { check, sleep, until } from './lab.mjs';
import { UdpRelay } from './relay.mjs';

/** A gateway whose only trunk is a SIPp callee with `scenario`. */
export async function callee(ctx, scenario, {
  transport = 'udp', loses, trunk = {}, sip, tell = transport, elsewhere, values, call,
} = {}) {
  let relay;
  const ahead = loses ? await UdpRelay.start(ctx, 0, loses) : null;
  const sipp = await Sipp.start(ctx, scenario, {
    transport, elsewhere, values, contactPort: ahead?.port,
  });
  if (ahead) {
    ahead.target = sipp.port;
    relay = ahead;
  }
  const port = relay?.port ?? sipp.port;
  const suffix = tell === 'udp' ? '' : `;transport=${tell}`;
  const gateway = await Gateway.start(ctx, {
    config: {
      trunk: [{
        name: 'sipp', uri: `sip:127.0.0.1:${port}${suffix}`, health: '0s', udp_max_bytes: 60_000,
        ...trunk,
      }],
      route: [{ match: '*', to: 'trunk:sipp' }],
      ...(sip ? { sip } : {}),
      ...(call ? { call } : {}),
    },
  });
  const alice = await Client.open(ctx, gateway, 'alice');
  return { sipp, gateway, alice, relay };
}

/** A gateway that takes calls from a SIPp caller with `scenario`, for bob. */
export async function caller(ctx, scenario, play, {
  to, expect = true, transport = 'udp', loses, values,
} = {}) {
  const gateway = await Gateway.start(ctx, {
    config: {
      trunk: [{
        name: 'sipp', uri: 'sip:127.0.0.1:9', addresses: ['127.0.0.1'], health: '0s',
      }],
      route: [{ match: '*', to: 'trunk:sipp' }],
    },
  });
  const bob = await Client.open(ctx, gateway, 'bob');
  const relay = loses ? await UdpRelay.start(ctx, gateway.sipPort, loses) : null;
  const sipp = await Sipp.start(ctx, scenario, {
    to: `127.0.0.1:${relay?.port ?? gateway.sipPort}`, user: to ?? 'bob', transport, values,
  });
  const played = play ? play(bob, sipp, gateway, relay) : null;
  // Told below; until then its failure is no reason to end the whole run.
  played?.catch(() => {});
  if (expect) await sipp.passed(25_000);
  await played;
  await empty(gateway);
  return { sipp, gateway, bob };
}

/** Waits until the gateway has no call left. */
export function empty(gateway) {
  return until(5_000, 'the gateway has no call left', async () => (
    (await gateway.metric('crosspoint_calls')) === 0), 100);
}

/** Alice calls, is answered, waits, hangs up; SIPp's scenario must go as written. */
export async function talkAndHangUp({ sipp, gateway, alice }, wait = 300) {
  const call = await alice.call('1000');
  await alice.frame('call.accepted', { call, ms: 15_000 });
  await sleep(wait);
  await alice.end(call);
  const end = await alice.frame('call.ended', { call });
  await sipp.passed(15_000);
  await empty(gateway);
  return { call, end };
}

export const asCallee = (name, sentence, scenario, play, options) => ({
  name,
  peer: 'sipp',
  sentence,
  run: async (ctx) => play(await callee(ctx, scenario, options)),
});

/** How the case ends that is refused. */
export const refusedWith = (cause, status) => async ({ sipp, gateway, alice }) => {
  const call = await alice.call('1000');
  const end = await alice.frame('call.ended', { call, ms: 15_000 });
  check(end.cause === cause, `the cause is ${end.cause}, not ${cause}`);
  if (status) check(end.sip?.status === status, `the status is ${JSON.stringify(end.sip)}`);
  await sipp.passed(15_000);
  await empty(gateway);
};

export const asCaller = (name, sentence, scenario, play, options) => ({
  name, peer: 'sipp', sentence, run: (ctx) => caller(ctx, scenario, play, options),
});

/** Bob answers and follows until the end. */
export async function answers(bob) {
  const incoming = await bob.incoming();
  await bob.accept(incoming);
  await bob.follow(incoming.call);
  return incoming;
}
