// Pages call each other through the gateway, and the demo works as its README says.

import { Browser } from '../browser.mjs';
import { binary } from '../gateway.mjs';
import { check, freePort, sleep, until } from '../lab.mjs';
import { Phone } from '../phone.mjs';
import { hearEachOther, twoPages } from '../setting.mjs';
import { expectTone, randomTone } from '../tone.mjs';

export const cases = [
  {
    name: 'user',
    peer: 'chromium',
    sentence: 'alice calls user:bob, who has two tabs: both ring, one answers, the other is told',
    async run(ctx) {
      const all = await twoPages(ctx);
      const { alice, bob, other, gateway } = all;
      const tab = await Phone.open(other, gateway.url, 'bob', { name: 'page-bob-2' });
      const call = await alice.call('user:bob');
      const rings = await bob.incoming();
      const too = await tab.incoming();
      await bob.act(rings, 'accept');
      const end = await tab.ended(too);
      check(end.cause === 'answered_elsewhere', `the other tab is told ${end.cause}`);
      await alice.is(call, 'connected');
      await hearEachOther(all);
      await alice.hangUp(call);
      await bob.ended(rings);
    },
  },
  {
    name: 'join',
    peer: 'chromium',
    sentence: 'two pages give the same join: word and hear each other',
    async run(ctx) {
      const all = await twoPages(ctx);
      const { alice, bob } = all;
      const first = await alice.call('join:tea');
      await sleep(300);
      const second = await bob.call('join:tea');
      await alice.is(first, 'connected');
      await bob.is(second, 'connected');
      await hearEachOther(all);
      await bob.hangUp(second);
      const end = await alice.ended(first);
      check(end.cause === 'normal' && end.by === 'remote', `ended ${end.cause} by ${end.by}`);
    },
  },
  {
    name: 'socket-cut',
    peer: 'chromium',
    sentence: 'the WebSocket is cut in mid-call: the sound goes on, the page resumes, hanging up works',
    async run(ctx) {
      const all = await twoPages(ctx);
      const { alice, bob, gateway } = all;
      const call = await alice.call('user:bob');
      const rings = await bob.incoming();
      await bob.act(rings, 'accept');
      await alice.is(call, 'connected');
      await hearEachOther(all);
      await alice.page.run(() => window.crosspoint.reconnect());
      await until(8_000, 'the page has resumed', async () => (
        (await gateway.metric('crosspoint_events_total', { event: 'json_resumed' })) >= 1));
      await alice.connected();
      await hearEachOther(all);
      await alice.hangUp(call);
      await bob.ended(rings);
    },
  },
  {
    name: 'demo',
    peer: 'chromium',
    gateway: false,
    sentence: 'crosspoint demo: press Call, hear yourself from the echo phone; hold; reload; hang up',
    async run(ctx) {
      const [http, sip, phone] = [await freePort(), await freePort(), await freePort()];
      const at = (port) => `127.0.0.1:${port}`;
      ctx.start('gateway', [binary, 'demo', '--listen', at(http), '--sip', at(sip), '--phone', at(phone)], {
        life: 120_000, env: { NO_COLOR: '1' },
      });
      const url = `http://${at(http)}/`;
      await until(10_000, 'the demo is ready', async () => (await fetch(`${url}ready`)).ok);
      const tone = randomTone();
      const browser = await Browser.start(ctx, { tone });
      const alice = await Phone.open(browser, url, '');
      await alice.page.picture('idle');
      await alice.page.page.click('#call');
      const call = await until(8_000, 'there is a call', () => alice.page.run(() => (
        [...window.crosspoint.calls.keys()][0] ?? null)));
      await alice.is(call, 'connected');
      await alice.flowing();
      expectTone(await alice.page.hear(2), tone, 'alice hears herself');
      await alice.page.picture('in-call');
      await alice.page.page.reload();
      await alice.connected();
      await alice.is(call, 'connected');
      await alice.flowing(15_000);
      expectTone(await alice.page.hear(2), tone, 'alice hears herself after the reload');
      await alice.page.page.click('text=Hang up');
      await alice.ended(call);
    },
  },
];
