/** One session with the gateway, over as many WebSockets as it takes. */

import type { ClientFrame, GatewayEvent, Result, ServerFrame, Sync, Welcome } from './frames.js';
import { Refused } from './frames.js';

/** Whether the gateway can be reached. */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'superseded' | 'refused' | 'closed';

/** What a connection tells its owner. */
export interface Listener {
  welcome(frame: Welcome): void;
  sync(frame: Sync): void;
  event(frame: GatewayEvent): void;
  state(state: ConnectionState, why: string): void;
}

export interface Options {
  /** `ws:` or `wss:`; by default `/ws` where the page came from. */
  url?: string;
  /** The token, or who gives a fresh one for each attempt. */
  token?: string | (() => string | Promise<string>);
  /** What the client can do. */
  capabilities: string[];
  /** Where the session is kept over a reload; none for none. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** For tests. */
  webSocket?: typeof WebSocket;
}

interface Kept { session: string; seq: number }
interface Pending { text: string; resolve(result: Result): void; reject(error: Error): void }

const KEY = 'crosspoint.session';
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** Close codes after which trying again is of no use. */
const FINAL: Record<number, ConnectionState> = { 4400: 'refused', 4401: 'refused', 4403: 'refused', 4409: 'superseded' };

/** Keeps a session alive: reconnects, resumes, acknowledges, sends again what had no reply. */
export class Connection {
  private socket: WebSocket | undefined;
  private session: Kept | undefined;
  private pending = new Map<string, Pending>();
  private lastId = 0;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private heardAt = 0;
  private current: ConnectionState = 'closed';
  private ackWaits = false;

  constructor(private readonly options: Options, private readonly listener: Listener) {
    this.session = this.load();
  }

  get state(): ConnectionState { return this.current; }

  /** Connects, and goes on trying. */
  open(): void {
    if (this.current === 'connecting' || this.current === 'open') return;
    clearTimeout(this.retry);
    void this.connect();
  }

  /** Ends the session. */
  close(): void {
    clearTimeout(this.retry);
    this.forget();
    this.enter('closed', '');
    this.socket?.close(1000);
    this.failAll('the connection was closed');
  }

  /** Sends a request and waits for its reply; it is sent again over a new socket if need be. */
  request(frame: ClientFrame extends infer F ? (F extends { id: string } ? Omit<F, 'id'> : never) : never): Promise<Result> {
    const id = `${Date.now().toString(36)}-${++this.lastId}`;
    const text = JSON.stringify({ ...frame, id });
    return new Promise((resolve, reject) => {
      this.pending.set(id, { text, resolve, reject });
      if (this.current === 'open') this.socket?.send(text);
    });
  }

  /** Sends what has no reply. It is lost with the socket, so only for what can be. */
  tell(frame: ClientFrame): void {
    if (this.current === 'open') this.socket?.send(JSON.stringify(frame));
  }

  private async connect(): Promise<void> {
    this.enter('connecting', '');
    let token: string | undefined;
    try {
      const given = this.options.token;
      token = typeof given === 'function' ? await given() : given;
    } catch (error) {
      return this.later(`no token: ${String(error)}`);
    }
    const Socket = this.options.webSocket ?? WebSocket;
    let socket: WebSocket;
    try {
      socket = new Socket(this.options.url ?? defaultUrl(), 'crosspoint.v1');
    } catch (error) {
      return this.later(String(error));
    }
    this.socket = socket;
    socket.onopen = () => {
      const hello: ClientFrame = { type: 'hello', capabilities: this.options.capabilities, client: 'crosspoint-web/0.1.0' };
      if (token) hello.token = token;
      if (this.session) hello.resume = this.session;
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (message) => {
      if (socket === this.socket) this.receive(JSON.parse(String(message.data)) as ServerFrame);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code, event.reason);
    };
  }

  private receive(frame: ServerFrame): void {
    this.heardAt = Date.now();
    switch (frame.type) {
      case 'welcome': {
        const seq = frame.resumed === true ? (this.session?.seq ?? 0) : frame.next_seq - 1;
        this.session = { session: frame.session, seq };
        this.save();
        this.attempts = 0;
        this.beat(frame.heartbeat_ms);
        this.listener.welcome(frame);
        return;
      }
      case 'sync':
        this.enter('open', '');
        if (this.session) this.session.seq = Math.max(this.session.seq, frame.up_to);
        this.save();
        this.listener.sync(frame);
        for (const { text } of this.pending.values()) this.socket?.send(text);
        return;
      case 'result':
        this.pending.get(frame.id)?.resolve(frame);
        this.pending.delete(frame.id);
        return;
      case 'error': {
        const waiting = frame.id === undefined ? undefined : this.pending.get(frame.id);
        if (frame.id !== undefined) this.pending.delete(frame.id);
        waiting?.reject(new Refused(frame));
        return;
      }
      case 'pong':
        return;
      default:
        if (!('seq' in frame)) return;
        if (this.session && frame.seq <= this.session.seq) return; // Seen before the socket was lost.
        if (this.session) this.session.seq = frame.seq;
        this.acknowledge();
        this.listener.event(frame);
    }
  }

  /** One acknowledgement for all that arrives together. */
  private acknowledge(): void {
    if (this.ackWaits) return;
    this.ackWaits = true;
    setTimeout(() => {
      this.ackWaits = false;
      this.save();
      if (this.session) this.tell({ type: 'ack', ack: this.session.seq });
    }, 200);
  }

  private beat(every: number): void {
    clearInterval(this.heartbeat);
    this.heardAt = Date.now();
    this.heartbeat = setInterval(() => {
      if (Date.now() - this.heardAt > every * 2) {
        this.socket?.close(4000);
        this.lost(1006, 'the gateway is silent');
      } else {
        this.tell({ type: 'ping' });
      }
    }, every);
  }

  private lost(code: number, reason: string): void {
    clearInterval(this.heartbeat);
    this.socket = undefined;
    if (this.current === 'closed') return;
    const final = FINAL[code];
    if (final) {
      this.forget();
      this.failAll(reason || 'the gateway closed the connection');
      return this.enter(final, reason);
    }
    this.later(reason || 'the connection was lost');
  }

  private later(why: string): void {
    const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.attempts++);
    this.enter('waiting', why);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(), base / 2 + Math.random() * base / 2);
  }

  private failAll(why: string): void {
    for (const { reject } of this.pending.values()) reject(new Error(why));
    this.pending.clear();
  }

  private enter(state: ConnectionState, why: string): void {
    this.current = state;
    this.listener.state(state, why);
  }

  private load(): Kept | undefined {
    try {
      const text = this.options.storage?.getItem(KEY);
      // Taken out while the page lives, so that a duplicated tab, which copies the storage, begins a
      // session of its own; put back when the page goes.
      this.options.storage?.removeItem(KEY);
      return text ? (JSON.parse(text) as Kept) : undefined;
    } catch {
      return undefined;
    }
  }

  private save(): void {
    // Kept in memory; written when the page goes (`keep`).
  }

  /** Writes the session where the next page of this tab finds it. To be called on `pagehide`. */
  keep(): void {
    if (this.session) this.options.storage?.setItem(KEY, JSON.stringify(this.session));
  }

  private forget(): void {
    this.session = undefined;
    this.options.storage?.removeItem(KEY);
  }
}

function defaultUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/ws`;
}
