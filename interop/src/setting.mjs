// Settings that many cases share: a gateway before Asterisk, with a page signed in.

import { Browser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { sleep, until } from './lab.mjs';
import { Phone } from './phone.mjs';
import { expectSilence, expectTone, randomTone } from './tone.mjs';

/** The configuration of a gateway whose user alice is `user` at Asterisk. */
export function behindAsterisk(asterisk, {
  user = 'gw1', transport = 'udp', host = asterisk.host, port = asterisk.port, trunk = {},
  account = {}, ...more
} = {}) {
  const shown = host.includes(':') ? `[${host}]` : host;
  const suffix = transport === 'udp' ? '' : `;transport=${transport}`;
  return {
    trunk: [{ name: 'pbx', uri: `sip:${shown}:${port}${suffix}`, health: '0s', ...trunk }],
    account: account === null ? [] : [{
      name: 'alice', uri: `sip:${user}@${shown}:${port}`, user, password: `pw-${user}`,
      trunk: 'pbx', owner: 'alice', ...account,
    }],
    route: [{ match: '*', to: 'account' }],
    ...more,
  };
}

/** Asterisk, a gateway registered there, and alice's page with a microphone of a random tone. */
export async function atAsterisk(ctx, { through, options = {}, gateway: how = {}, register = true,
  browser: flags = {} } = {}) {
  const asterisk = await ctx.shared.asterisk();
  const gateway = await Gateway.start(ctx, { config: behindAsterisk(asterisk, options), ...how });
  const tone = randomTone();
  const browser = await Browser.start(ctx, { tone, ...flags });
  const relay = through ? await through(ctx, gateway.httpPort) : null;
  const alice = await Phone.open(browser, relay?.url ?? gateway.url, 'alice');
  if (register) await alice.account('alice');
  return { asterisk, gateway, browser, alice, tone, relay };
}

/** Proves that Asterisk hears `tone` now, in the recording of its own tone `theirs`. */
export async function asteriskHears(asterisk, theirs, tone, seconds = 1.5) {
  const from = asterisk.recorded(theirs);
  await until(10_000, 'Asterisk records', () => asterisk.recorded(theirs) > from + seconds, 100);
  expectTone(asterisk.heard(theirs, from), tone, 'Asterisk hears the page');
}

/** A gateway and two pages on it, alice's and bob's, each in a browser and of a tone of its own. */
export async function twoPages(ctx, { config, through, browser = {}, page = () => ({}) } = {}) {
  const gateway = await Gateway.start(ctx, { config });
  const x = randomTone();
  const y = randomTone(x);
  const one = await Browser.start(ctx, { name: 'chromium-alice', tone: x, ...browser });
  const other = await Browser.start(ctx, { name: 'chromium-bob', tone: y, ...browser });
  const relays = through ? [await through(ctx, gateway.httpPort), await through(ctx, gateway.httpPort)]
    : [null, null];
  const alice = await Phone.open(one, relays[0]?.url ?? gateway.url, 'alice', page(x));
  const bob = await Phone.open(other, relays[1]?.url ?? gateway.url, 'bob', page(y));
  return { gateway, alice, bob, x, y, one, other, relays };
}

/** Proves that alice and bob hear each other. */
export async function hearEachOther({ alice, bob, x, y }) {
  await alice.flowing();
  await bob.flowing();
  expectTone(await alice.page.hear(2), y, 'alice hears bob');
  expectTone(await bob.page.hear(2), x, 'bob hears alice');
}

/** Proves that alice’s page, of `tone`, and baresip, of the tone `theirs`, hear each other. */
export async function pageAndPhoneHear({ phone, alice, tone, theirs }, seconds = 1.5) {
  await alice.flowing();
  expectTone(await alice.page.hear(seconds), theirs, 'the page hears the phone');
  expectTone(phone.heard(seconds), tone, 'the phone hears the page');
}

/** The page holds, the phone hears silence; it resumes, and they hear each other. */
export async function holdAndResume(s, call) {
  await s.alice.act(call, 'hold');
  await sleep(1_000);
  const before = s.phone.heard().seconds;
  await sleep(1_500);
  // A phone that is held may stop its clock: then nothing is recorded, which is silence, too.
  if (s.phone.heard().seconds > before + 0.5) {
    expectSilence(s.phone.heard(1), 'the phone hears who holds', 0.2);
  }
  await s.alice.act(call, 'resume');
  await sleep(500);
  await pageAndPhoneHear(s, 2);
}
