// A registrar that is named by its domain only: SRV records say where it is, and the next one is
// tried where the first does not serve.

import dgram from 'node:dgram';
import { Dns } from '../dns.mjs';
import { check, freePort } from '../lab.mjs';
import { atAsterisk } from '../setting.mjs';
import { expectTone } from '../tone.mjs';

const DOMAIN = 'pbx.example';

/** Records by which `first` comes before Asterisk. */
function records(asterisk, transport, first) {
  const srv = (priority, target, port) => ({ type: 'SRV', priority, port, target });
  return {
    [DOMAIN]: [],
    [`_sip._${transport}.${DOMAIN}`]: [
      // In the wrong order: it is the priority that counts.
      srv(20, `second.${DOMAIN}`, asterisk.port),
      ...(first ? [srv(10, `first.${DOMAIN}`, first)] : []),
    ],
    [`first.${DOMAIN}`]: [{ type: 'A', address: '127.0.0.1' }],
    [`second.${DOMAIN}`]: [{ type: 'A', address: asterisk.host }],
  };
}

/** Registers by the name and calls the echo. */
async function registerAndCall(ctx, transport, first, sip) {
  const asterisk = await ctx.shared.asterisk();
  const dns = await Dns.start(ctx, records(asterisk, transport, first));
  const s = await atAsterisk(ctx, {
    register: false,
    options: {
      transport,
      trunk: { uri: `sip:${DOMAIN};transport=${transport}`, udp_max_bytes: 60_000 },
      account: { uri: `sip:gw1@${DOMAIN}` },
      ...(sip ? { sip } : {}),
    },
  });
  await s.alice.account('alice', 'registered', 20_000);
  check((await asterisk.contacts('gw1')).length === 1, 'Asterisk knows no contact');
  const call = await s.alice.call('600');
  await s.alice.is(call, 'connected', 20_000);
  await s.alice.flowing();
  expectTone(await s.alice.page.hear(2), s.tone, 'the page hears the echo');
  await s.alice.hangUp(call);
  await asterisk.gone('gw1');
  check(dns.asked.includes(`SRV _sip._${transport}.${DOMAIN}`), `DNS was asked ${dns.asked}`);
  return s;
}

/** A port of UDP that says `answer` to each request, or nothing. */
async function listener(ctx, answer) {
  const socket = dgram.createSocket('udp4');
  const own = { heard: [] };
  socket.on('message', (bytes, from) => {
    const text = bytes.toString('latin1');
    own.heard.push(text.split(' ')[0]);
    if (!answer || text.startsWith('ACK')) return;
    const headers = text.split('\r\n').filter((l) => /^(Via|From|Call-ID|CSeq):/i.test(l));
    const to = text.split('\r\n').find((l) => /^To:/i.test(l));
    const reply = [`SIP/2.0 ${answer}`, ...headers, `${to};tag=first`, 'Content-Length: 0', '', ''];
    socket.send(reply.join('\r\n'), from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  ctx.defer(() => socket.close());
  own.port = socket.address().port;
  return own;
}

const kase = (name, sentence, run) => ({ name, peer: 'asterisk', sentence, run });

export const cases = [
  kase('srv', 'a registrar named by its domain: found by SRV, registration, call, sound', (ctx) => (
    registerAndCall(ctx, 'udp'))),
  kase(
    'srv-refused',
    'the first target of SRV refuses TCP: the second is taken, for REGISTER and INVITE',
    async (ctx) => registerAndCall(ctx, 'tcp', await freePort()),
  ),
  kase('srv-503', 'the first target of SRV answers 503: the second is taken', async (ctx) => {
    const first = await listener(ctx, '503 Service Unavailable');
    await registerAndCall(ctx, 'udp', first.port);
    check(first.heard.includes('REGISTER'), `the first was asked ${first.heard}`);
  }),
  kase('srv-silent', 'the first target of SRV is silent: the second is taken in the end', async (ctx) => {
    const first = await listener(ctx, null);
    await registerAndCall(ctx, 'udp', first.port, { t1: '50ms', t2: '400ms' });
    check(first.heard.includes('REGISTER'), `the first was asked ${first.heard}`);
  }),
];
