// Settings of the cases with chat users: a server, the gateway as its components, pages and phones.

import { Ejabberd } from '../peers/ejabberd/ejabberd.mjs';
import { Prosody } from '../peers/prosody/prosody.mjs';
import { Browser } from './browser.mjs';
import { certificates } from './certificates.mjs';
import { ChatPhone } from './chat-phone.mjs';
import { Gateway } from './gateway.mjs';
import { check, until } from './lab.mjs';
import { Phone } from './phone.mjs';
import { expectTone, randomTone } from './tone.mjs';

export const SERVERS = { prosody: Prosody, ejabberd: Ejabberd };
/** Where chat users reach browser users, and where they reach whatever can be dialled. */
export const WEB = 'web.xmpp.test';
export const SIP = 'sip.xmpp.test';
const SECRET = 'a secret of the lab, long enough';

/**
 * A chat server, and a gateway that is its components `web` (browser users) and `sip` (the dial
 * plan, whose first line is `xmpp:*` to `to`), both of which every user of the server may call.
 *
 * `config` is merged into the gateway's, its `route` behind that first line. `accounts` are users
 * of the gateway who have an account at the server. `own` are settings of both components.
 */
export async function house(ctx, peer, {
  config = {}, accounts = [], users = ['juliet', 'romeo', 'mallory'], to = 'component:web',
  own = {}, gateway: how = {},
} = {}) {
  const components = { [WEB]: SECRET, [SIP]: SECRET };
  const starting = SERVERS[peer].start(ctx, { components, users: [...users, ...accounts] });
  const [server, browser, { ca }] = await Promise.all([
    starting, Browser.start(ctx), certificates(),
  ]);
  const component = (name, domain, meaning) => ({
    name, domain, host: '127.0.0.1', port: server.componentPort, secret: SECRET,
    local_part: meaning, serves: ['*'], callers: [`*@${server.domain}`], ...own,
  });
  const gateway = await Gateway.start(ctx, {
    ...how,
    config: {
      ...config,
      component: [component('web', WEB, 'user'), component('sip', SIP, 'dialled')],
      xmpp_account: accounts.map((user) => ({
        name: user, jid: `${user}@${server.domain}/gateway`, password: `pw-${user}`, owner: user,
        server: `127.0.0.1:${server.clientPort}`, ca, callers: [`*@${server.domain}`],
      })),
      xmpp: { retry_min: '200ms', retry_max: '1s', ...config.xmpp },
      route: [{ match: 'xmpp:*', to }, ...(config.route ?? [])],
    },
  });
  const setting = { ctx, server, browser, gateway, accounts };
  await onlineAgain(setting);
  return setting;
}

/** Waits until all streams to the server stand. */
export function onlineAgain({ gateway, accounts }) {
  return until(20_000, 'the gateway is online at the chat server', async () => {
    const all = await Promise.all(['web', 'sip', ...accounts].map((entity) => (
      gateway.metric('crosspoint_chat_server_online', { entity }))));
    return all.every((one) => one === 1);
  });
}

/** The same, with alice's page and juliet's phone, each with a tone of its own. */
export async function pageAndChat(ctx, peer, { chat = {}, page = {}, ...options } = {}) {
  const s = await house(ctx, peer, options);
  const tone = randomTone();
  const theirs = randomTone(tone);
  const [alice, juliet] = await Promise.all([
    Phone.open(s.browser, s.gateway.url, 'alice', { tone, ...page }),
    ChatPhone.open(s.browser, s.server, 'juliet', { tone: theirs, ...chat }),
  ]);
  return { ...s, alice, juliet, tone, theirs };
}

/** Proves that alice's page and juliet's phone hear each other. */
export async function pageAndChatHear({ alice, juliet, tone, theirs }, seconds = 1.5) {
  await Promise.all([alice.flowing(), juliet.flowing()]);
  const [here, there] = await Promise.all([
    alice.page.hear(seconds), juliet.page.hear(seconds),
  ]);
  expectTone(here, theirs, 'the page hears juliet');
  expectTone(there, tone, 'juliet hears the page');
}

/** juliet calls alice's page, which answers; gives back the ids `{ sid, call }`. */
export async function julietCalls(s, to = `alice@${WEB}`, options = {}) {
  const sid = await s.juliet.call(to, options);
  const call = await s.alice.incoming();
  await s.juliet.ringing(sid);
  await s.alice.act(call, 'accept');
  await Promise.all([s.alice.is(call, 'connected'), s.juliet.is(sid, 'connected')]);
  await pageAndChatHear(s);
  return { sid, call };
}

/** alice's page calls juliet, who answers; gives back the ids `{ sid, call }`. */
export async function aliceCalls(s, to = `xmpp:${s.juliet.jid}`) {
  const call = await s.alice.call(to);
  const sid = await s.juliet.incoming();
  await s.alice.is(call, 'ringing');
  await s.juliet.accept(sid);
  await Promise.all([s.alice.is(call, 'connected'), s.juliet.is(sid, 'connected')]);
  await pageAndChatHear(s);
  return { sid, call };
}

/** Waits until the page is told that the other side holds, or does not. */
export function heldThere({ alice }, call, value) {
  return until(5_000, `the page is told that the hold is ${value}`, () => alice.page.run(
    ([id, wanted]) => window.crosspoint.calls.get(id).media.some((m) => m.held_there) === wanted,
    [call, value],
  ));
}

/** Checks how a call ended for a chat user. */
export function endedFor(end, by, ...conditions) {
  check(end.by === by && conditions.includes(end.condition), `for the chat user it ended ${
    JSON.stringify(end)}, not by ${by} with ${conditions.join(' or ')}`);
}
