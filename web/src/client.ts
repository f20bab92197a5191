/** The client of a crosspoint gateway. */

import { Call, type CallOptions } from './call.js';
import { Connection, type ConnectionState, type Options } from './connection.js';
import type { AccountStanding, CallInfo, GatewayEvent, Sync, Welcome } from './frames.js';

export interface ClientOptions extends Partial<Pick<Options, 'url' | 'token' | 'storage' | 'webSocket'>> {
  /** Whether calls outlive a reload of the page; they do by default. */
  resume?: boolean;
}

/**
 * Events: `state` (of the connection), `incoming` (a {@link Call}), `calls` (the list has changed),
 * `account` (how an account stands), `expiring` (the token ends soon).
 */
export class Crosspoint extends EventTarget {
  /** All calls, ended ones included until {@link forget}. */
  readonly calls = new Map<string, Call>();
  /** How each account stands. */
  readonly accounts = new Map<string, AccountStanding>();
  /** Who the gateway says we are. */
  user = '';
  private readonly connection: Connection;
  private iceServers: RTCIceServer[] = [];

  constructor(options: ClientOptions = {}) {
    super();
    const storage = options.resume === false ? undefined : (options.storage ?? ownStorage());
    const capabilities = ['trickle', ...(takesPranswer() ? ['pranswer'] : [])];
    this.connection = new Connection(
      { ...options, capabilities, ...(storage ? { storage } : {}) },
      {
        welcome: (frame) => this.welcome(frame),
        sync: (frame) => void this.sync(frame),
        event: (frame) => this.event(frame),
        state: (state, why) => this.dispatchEvent(new CustomEvent('state', { detail: { state, why } })),
      },
    );
    if (typeof window !== 'undefined') {
      window.addEventListener('pagehide', () => this.connection.keep());
      window.addEventListener('online', () => {
        this.connection.open();
        for (const call of this.calls.values()) void call.restartIce();
      });
    }
  }

  /** Whether the gateway can be reached. */
  get state(): ConnectionState { return this.connection.state; }

  /** Connects; reconnects and resumes by itself from then on. */
  connect(): void { this.connection.open(); }

  /** Ends the session. */
  disconnect(): void { this.connection.close(); }

  /** Calls somebody: `sip:…`, `tel:…`, `user:…`, `join:…`, or what the dial plan knows. */
  async call(to: string, options: CallOptions = {}): Promise<Call> {
    const call = new Call(this.connection, this.iceServers, `c-${crypto.randomUUID()}`, 'outgoing', to, undefined, options);
    this.add(call);
    try {
      await call.start(to);
    } catch (error) {
      call.finish({ cause: 'refused', by: 'gateway', message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    return call;
  }

  /** Registers an account that the token names. */
  async addAccount(account: string): Promise<void> {
    await this.connection.request({ type: 'account.add', account });
  }

  /** A new token for the running session. */
  async refreshToken(token: string): Promise<void> {
    await this.connection.request({ type: 'token.refresh', token });
  }

  /** Takes an ended call out of the list. */
  forget(call: Call): void {
    if (call.state === 'ended') this.calls.delete(call.id);
    this.changed();
  }

  private welcome(frame: Welcome): void {
    this.user = frame.user;
    this.iceServers = frame.ice_servers;
    this.accounts.clear();
    for (const { account, state } of frame.accounts) this.accounts.set(account, state);
  }

  private async sync(frame: Sync): Promise<void> {
    const known = new Set(frame.calls.map((info) => info.call));
    for (const call of this.calls.values()) {
      const lost = call.state !== 'ended' && call.state !== 'calling' && !known.has(call.id);
      if (lost) call.finish({ cause: 'timeout', by: 'gateway', message: 'The call ended while the connection was lost.' });
    }
    for (const info of frame.calls) {
      if (!this.calls.has(info.call)) await this.rejoin(info);
    }
  }

  /** A call of the page before the reload. */
  private async rejoin(info: CallInfo): Promise<void> {
    if (info.state !== 'established') {
      // It rings: its invitation is among the events that were not acknowledged, or it is too late.
      return;
    }
    const call = new Call(this.connection, this.iceServers, info.call, info.direction, info.peer, undefined);
    this.add(call);
    await call.rejoin(info).catch((error: unknown) => {
      call.dispatchEvent(new CustomEvent('error', { detail: error }));
    });
  }

  private event(frame: GatewayEvent): void {
    if (frame.type === 'account.state') {
      this.accounts.set(frame.account, frame.state);
      this.dispatchEvent(new CustomEvent('account', { detail: frame }));
      return;
    }
    if (frame.type === 'token.expiring') {
      this.dispatchEvent(new CustomEvent('expiring', { detail: frame.expires_in_ms }));
      return;
    }
    if (frame.type === 'call.incoming' && !this.calls.has(frame.call)) {
      const { uri, display_name } = frame.from;
      const call = new Call(this.connection, this.iceServers, frame.call, 'incoming', uri, display_name);
      this.add(call);
      call.receive(frame);
      this.dispatchEvent(new CustomEvent('incoming', { detail: call }));
      return;
    }
    this.calls.get(frame.call)?.receive(frame);
  }

  private add(call: Call): void {
    this.calls.set(call.id, call);
    call.addEventListener('state', () => this.changed());
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new CustomEvent('calls'));
  }
}

/** Firefox does not implement early answers. */
function takesPranswer(): boolean {
  return typeof navigator !== 'undefined' && !/firefox/i.test(navigator.userAgent);
}

function ownStorage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
