// The demo page as a phone: what a person would do with it, through the client library.

import { check, until } from './lab.mjs';

/** A page of the gateway with somebody signed in. */
export class Phone {
  /**
   * Opens the gateway's page as `user`; `options` are those of `Browser.open`. `storage` is what
   * its sessionStorage begins with, as in a copy of another tab.
   */
  static async open(browser, url, user, { storage = {}, ...options } = {}) {
    const own = new Phone();
    own.user = user;
    own.page = await browser.open('about:blank', { name: `page-${user}`, ...options });
    await own.page.page.addInitScript((entries) => {
      try {
        for (const [key, value] of entries) {
          if (sessionStorage.getItem(key) === null) sessionStorage.setItem(key, value);
        }
      } catch {
        // Not a page of the gateway.
      }
    }, Object.entries({ token: `token-${user}`, ...storage }));
    await own.page.page.goto(url);
    own.ctx = own.page.ctx;
    await own.connected();
    return own;
  }

  /** Waits until the page is connected to the gateway. */
  async connected(ms = 10_000) {
    await this.page.page.waitForFunction(() => window.crosspoint?.state === 'connected', null, {
      timeout: ms,
    });
  }

  /** Waits until the account `name` is `state`. */
  async account(name, state = 'registered', ms = 10_000) {
    await until(ms, `the account ${name} is ${state}`, async () => {
      const now = await this.page.run((a) => window.crosspoint.accounts.get(a)?.state, name);
      return now === state;
    });
  }

  /** Calls `to`; gives back the call's id. */
  async call(to, options = {}) {
    const id = await this.page.run(([a, b]) => window.crosspoint.call(a, b).id, [to, options]);
    this.ctx.note(`${this.user} calls ${to}: ${id}`);
    return id;
  }

  /** Where the call `id` stands; an answered one is `connected`. */
  async state(id) {
    const state = await this.page.run((call) => {
      const { calls, past } = window.crosspoint;
      return (calls.get(call) ?? past.get(call))?.state ?? null;
    }, id);
    return state === 'established' ? 'connected' : state;
  }

  /** Waits until the call `id` is `state`; fails at once if it ends instead. */
  async is(id, state, ms = 10_000) {
    const now = await until(ms, `the call of ${this.user} is ${state}`, async () => {
      const s = await this.state(id);
      return (s === state || s === 'ended') && s;
    });
    if (now !== state) {
      const end = await this.ended(id);
      throw new Error(`the call of ${this.user} ended instead of ${state}: ${JSON.stringify(end)}`);
    }
  }

  /** Waits for the end of the call `id`; gives back how it ended. */
  async ended(id, ms = 10_000) {
    await until(ms, `the call of ${this.user} ends`, async () => (await this.state(id)) === 'ended');
    const end = await this.page.run((call) => {
      const { cause, by, message, sip } = window.crosspoint.past.get(call).ending;
      return { cause, by, message, sip, status: sip?.status };
    }, id);
    this.ctx.note(`${this.user}: ${id} ended: ${JSON.stringify(end)}`);
    return end;
  }

  /** Waits for an incoming call; gives back its id. */
  async incoming(ms = 15_000) {
    return until(ms, `${this.user} is called`, () => this.page.run(() => {
      const all = [...window.crosspoint.calls.values()];
      return all.find((c) => c.state === 'incoming')?.id ?? null;
    }));
  }

  /** Does something to a call: `accept`, `reject`, `hangUp`, `hold`, `resume`, `restartIce` … */
  async act(id, verb, ...rest) {
    this.ctx.note(`${this.user}: ${verb} ${id}`);
    await this.page.run(
      ([call, name, more]) => window.crosspoint.calls.get(call)[name](...more),
      [id, verb === 'hangUp' ? 'end' : verb, rest],
    );
  }

  /** Waits until the path of the media stands. */
  async flowing(ms = 10_000) {
    let state;
    try {
      return await until(ms, `the media of ${this.user} flow`, async () => {
        state = await this.page.run(() => window.lab.state());
        return state?.connection === 'connected' && state.received > 10 && state;
      }, 200);
    } finally {
      this.ctx.note(`the media of ${this.user}: ${JSON.stringify(state)}`);
    }
  }

  /** The sessionStorage of the page. */
  storage() {
    return this.page.run(() => ({ ...sessionStorage }));
  }

  /** Sends a camera of one colour; resolves when the other side has answered. */
  async paint(id, colour) {
    this.ctx.note(`${this.user} paints ${colour}`);
    await this.page.run(
      ([call, rgb]) => window.crosspoint.calls.get(call).addVideo({ stream: window.lab.paint(rgb) }),
      [id, colour],
    );
  }

  /** Ends the call and waits until it has ended. */
  async hangUp(id) {
    await this.act(id, 'hangUp');
    const end = await this.ended(id);
    check(end.by === 'local', `hung up here, but ended by ${end.by}`);
    return end;
  }
}
