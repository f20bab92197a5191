// Chat servers: the gateway as a component and as a user's own account, without calls.

import net from 'node:net';
import { Ejabberd } from '../../peers/ejabberd/ejabberd.mjs';
import { Prosody } from '../../peers/prosody/prosody.mjs';
import { certificates } from '../certificates.mjs';
import { ChatUser } from '../chat.mjs';
import { Gateway } from '../gateway.mjs';
import { check, freePort, sleep, until } from '../lab.mjs';

const SERVERS = { prosody: Prosody, ejabberd: Ejabberd };
const GATEWAY = 'gw.xmpp.test';
const NUMBER = `+15551234@${GATEWAY}`;

const online = async (gateway, entity = 'chat') => (
  await gateway.metric('crosspoint_chat_server_online', { entity })) === 1;

const event = (gateway, name) => (
  gateway.metric('crosspoint_events_total', { event: `xmpp_${name}` }));

/** A server with a component, and a gateway that is it. */
async function asComponent(ctx, peer, { secret = 'lab secret', xmpp = {}, tls = {} } = {}) {
  const components = { [GATEWAY]: 'lab secret' };
  const server = await SERVERS[peer].start(ctx, { components, tls: tls.tls });
  const component = {
    name: 'chat', domain: GATEWAY, host: '127.0.0.1', port: server.componentPort, secret,
    callers: ['*@xmpp.test'],
    serves: ['+*'], ...tls,
  };
  const gateway = await Gateway.start(ctx, {
    config: { component: [component], xmpp: { retry_min: '200ms', retry_max: '1s', ...xmpp } },
  });
  return { server, gateway };
}

/** A relay of bytes whose connections can be cut without a word. */
async function relay(ctx, port) {
  const pairs = new Set();
  const own = { port: await freePort(), cuts: 0, open: true };
  const server = net.createServer((socket) => {
    const other = net.connect(port, '127.0.0.1');
    const pair = [socket, other];
    pairs.add(pair);
    for (const [a, b] of [pair, [other, socket]]) {
      a.on('error', () => {});
      a.on('data', (bytes) => b.write(bytes));
      a.on('close', () => { b.destroy(); pairs.delete(pair); });
    }
  });
  own.cut = () => {
    own.cuts += 1;
    for (const [a, b] of [...pairs]) { a.resetAndDestroy(); b.resetAndDestroy(); }
  };
  await new Promise((resolve) => server.listen(own.port, '127.0.0.1', resolve));
  ctx.defer(() => { own.cut(); server.close(); });
  return own;
}

async function component(ctx, peer) {
  const { server, gateway } = await asComponent(ctx, peer);
  await until(15_000, 'the component is online', () => online(gateway));
  const alice = await ChatUser.logIn(ctx, server);
  const features = await alice.features(NUMBER);
  for (const feature of ['urn:xmpp:jingle:1', 'urn:xmpp:jingle:apps:dtls:0']) {
    check(features.includes(feature), `no ${feature} in ${features}`);
  }
  await alice.ping(NUMBER);
  await alice.ping(GATEWAY);
  const refused = await alice.client.getSoftwareVersion(NUMBER)
    .then(() => null, (error) => error.error?.condition);
  check(refused === 'service-unavailable', `an unknown request got ${refused}`);
  alice.client.subscribe(NUMBER);
  await until(5_000, 'the number approves and is there', () => (
    alice.presences.some((p) => p.type === 'subscribed')
    && alice.presences.some((p) => p.from?.startsWith(`${NUMBER}/`))));
  check(await event(gateway, 'broken') === 0, 'a stream broke');
}

async function secured(ctx, peer) {
  const { ca, otherCa } = await certificates();
  const tls = { tls: true, tls_name: 'xmpp.test', ca };
  const { server, gateway } = await asComponent(ctx, peer, { tls });
  await until(15_000, 'the component is online', () => online(gateway));
  const alice = await ChatUser.logIn(ctx, server);
  await alice.ping(NUMBER);
  for (const [name, wrong] of [['stranger', { ca: otherCa }], ['name', { tls_name: 'gw.test' }]]) {
    const component = {
      name: 'chat', domain: GATEWAY, host: '127.0.0.1', port: server.componentPort,
      secret: 'lab secret', ...tls, ...wrong,
    };
    const other = await Gateway.start(ctx, { name, config: { component: [component] } });
    await until(5_000, `${name}: not believed`, () => (
      /cannot be reached: invalid peer certificate/.test(other.child.text)));
    check(!await online(other), `${name}: online all the same`);
    await other.stop();
  }
}

async function poison(ctx, peer) {
  const { server, gateway } = await asComponent(ctx, peer, { xmpp: { stanza_bytes_max: 100_000 } });
  await until(15_000, 'the component is online', () => online(gateway));
  const alice = await ChatUser.logIn(ctx, server);
  alice.client.sendMessage({ to: NUMBER, id: 'x'.repeat(8_200), body: 'a long attribute' });
  alice.client.sendMessage({ to: NUMBER, body: 'x'.repeat(150_000) });
  await alice.ping(NUMBER);
  await until(5_000, 'one is passed over', async () => await event(gateway, 'skipped') === 1);
  check(await event(gateway, 'broken') === 0, 'a stream broke');
  check(await online(gateway), 'the component is not online');
}

async function restart(ctx, peer) {
  const { server, gateway } = await asComponent(ctx, peer);
  await until(15_000, 'the component is online', () => online(gateway));
  await server.kill();
  await until(5_000, 'the loss is noticed', async () => !await online(gateway));
  await sleep(1_500);
  await server.run();
  await until(20_000, 'the component is online again', () => online(gateway));
  const alice = await ChatUser.logIn(ctx, server);
  await alice.pingUntil(NUMBER, 5_000);
}

async function wrongSecret(ctx, peer) {
  const { gateway } = await asComponent(ctx, peer, { secret: 'not it' });
  await until(10_000, 'the refusal is told', () => /refuses the login/.test(gateway.child.text));
  await sleep(2_500);
  const refusals = gateway.child.text.match(/refuses the login/g).length;
  check(refusals === 1, `${refusals} attempts with a secret that was refused`);
}

/** A server, and a gateway that is logged in as bob, through something that can be cut. */
async function asAccount(ctx, peer, password = 'pw-bob') {
  const server = await SERVERS[peer].start(ctx);
  const between = await relay(ctx, server.clientPort);
  const { ca } = await certificates();
  const account = {
    name: 'bob', jid: 'bob@xmpp.test/desk', password, owner: 'bob',
    server: `127.0.0.1:${between.port}`, ca, callers: ['*@xmpp.test'],
  };
  const gateway = await Gateway.start(ctx, {
    config: { xmpp_account: [account], xmpp: { retry_min: '200ms', refused_retry: '300ms' } },
  });
  return { server, gateway, between };
}

async function account(ctx, peer) {
  const { server, gateway, between } = await asAccount(ctx, peer);
  await until(15_000, 'bob is online', () => online(gateway, 'bob'));
  const alice = await ChatUser.logIn(ctx, server);
  await alice.ping('bob@xmpp.test/desk');
  for (let cut = 1; cut <= 3; cut += 1) {
    between.cut();
    await until(10_000, `session ${cut} goes on`, () => (
      (gateway.child.text.match(/online at a chat server.*resumed=true/g) ?? []).length === cut));
    await alice.pingUntil('bob@xmpp.test/desk', 5_000);
  }
  check(await event(gateway, 'undelivered') === 0, 'something was not delivered');
}

async function refusedAccount(ctx, peer) {
  const { gateway } = await asAccount(ctx, peer, 'not it');
  await until(15_000, 'three refusals', () => (
    (gateway.child.text.match(/refuses the login/g) ?? []).length === 3));
  await sleep(1_500);
  const refusals = gateway.child.text.match(/refuses the login/g).length;
  check(refusals === 3, `${refusals} attempts with a password that was refused`);
}

const both = (name, sentence, run) => Object.keys(SERVERS).map((peer) => ({
  name, peer, sentence, run: (ctx) => run(ctx, peer), ms: 90_000,
}));

export const cases = [
  ...both('chat-component', 'a component: disco, pings, a subscription, an unknown request', component),
  // Prosody speaks no TLS to components.
  {
    name: 'chat-component-tls',
    peer: 'ejabberd',
    sentence: 'a component by TLS; a certificate of a stranger or for another name is not believed',
    run: (ctx) => secured(ctx, 'ejabberd'),
    ms: 90_000,
  },
  ...both('chat-poison', 'long messages of a user are read or passed over; the stream goes on', poison),
  ...both('chat-restart', 'the server is killed and started again: the component comes back', restart),
  ...both('chat-wrong-secret', 'a secret that is refused is not tried again soon', wrongSecret),
  ...both('chat-account', 'a user’s own account: STARTTLS, SCRAM; resumed after three cuts', account),
  ...both('chat-refused', 'a password that is refused is tried three times, never again', refusedAccount),
];
