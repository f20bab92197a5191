/** The client: one session at a gateway, its accounts, its calls. */
import type { AccountAdd, CallIncoming, CallInfo, Cause, EventFrame } from "./frames.js";
import type { IceServer, MessageFailed, MessageIncoming, SipStatus } from "./frames.js";
import type { Sync, Welcome } from "./frames.js";
import type { Account, CallEvent } from "./protocol.js";
import { Call } from "./call.js";
import type { CallOptions, Host } from "./call-types.js";
import { Connection } from "./connection.js";
import type { ConnectionEvents, ConnectionState, Token } from "./connection.js";
import { browser } from "./environment.js";
import type { Environment } from "./environment.js";
import { Emitter } from "./events.js";
import { Fault } from "./fault.js";
import { takesPranswer } from "./media.js";
import { messageWords } from "./words.js";
import type { Words } from "./words.js";

/** Where to connect, and as whom. */
export interface ConnectOptions {
  /** `wss://…/ws`. Default: `/ws` of the page's own server. */
  url?: string;
  /** A token, or what fetches one. Absent where the gateway asks for none. */
  token?: Token;
  /** Name and version of the page, for the gateway's log. */
  client?: string;
}

/** A text message that has come. */
export interface Message {
  /** Who wrote it: can be written back to. */
  from: string;
  /** The name to show. */
  fromName: string | undefined;
  /** Whom it was for. */
  to: string;
  /** The account that it was for, where it was one. */
  account: string | undefined;
  text: string;
}

/** What became of a text message of ours. */
export type Delivery =
  | { id: string; delivered: true }
  | { id: string; delivered: false; cause: Cause; words: Words; sip: SipStatus | undefined };

/** What a client tells. Each event's `detail` has the type given here. */
export interface CrosspointEvents {
  state: ConnectionEvents["state"];
  /** Somebody calls. `detail.accept()` takes the call. */
  incoming: Call;
  /** A call began, of any direction, or was found again after a reload. */
  call: Call;
  /** Somebody has written. */
  message: Message;
  /** What became of a message that `sendMessage` sent; of some nothing is ever known. */
  delivery: Delivery;
  /** How an account stands. */
  account: Account;
  /** The token ends soon, and there is no function to fetch another. */
  tokenexpiring: { expiresInMs: number };
  /** Something went wrong that no method reports. */
  fault: Fault;
}

/** How many calls that are over are remembered. */
const PAST_MAX = 100;

export class Crosspoint extends Emitter<CrosspointEvents> {
  readonly #environment: Environment;
  #connection: Connection | undefined;
  #token: Token;
  #welcome: Welcome | undefined;
  readonly #accounts = new Map<string, Account>();
  readonly #calls = new Map<string, Call>();
  readonly #past = new Map<string, Call>();
  readonly #host: Host;
  readonly #announced = new WeakSet<Call>();
  readonly #rung = new WeakSet<Call>();
  #catchingUp = false;

  /** `environment` replaces what is taken from the browser; for tests. */
  constructor(environment: Partial<Environment> = {}) {
    super();
    this.#environment = { ...browser(), ...environment };
    this.#host = {
      environment: this.#environment,
      configuration: () => ({
        iceServers: (this.#welcome?.ice_servers ?? []).map(iceServer),
        bundlePolicy: "balanced",
      }),
      request: (frame) => this.#connected().request(frame),
      keep: (call, more) => {
        if (this.#calls.has(call)) this.#connection?.memory.keep(call, more);
      },
      kept: (call) => this.#connection?.memory.call(call) ?? {},
      over: (call) => this.#forget(call),
    };
  }

  /** How the connection stands. */
  get state(): ConnectionState {
    return this.#connection?.state ?? "idle";
  }

  /** Who the gateway says we are. */
  get user(): string | undefined {
    return this.#welcome?.user;
  }

  /** Name and version of the gateway. */
  get gateway(): string | undefined {
    return this.#welcome?.gateway;
  }

  get limits(): Welcome["limits"] | undefined {
    return this.#welcome?.limits;
  }

  /** The accounts, by name. */
  get accounts(): ReadonlyMap<string, Account> {
    return this.#accounts;
  }

  /** The calls that are not over, by id. */
  get calls(): ReadonlyMap<string, Call> {
    return this.#calls;
  }

  /** The calls that are over, by id: the last hundred. */
  get past(): ReadonlyMap<string, Call> {
    return this.#past;
  }

  /**
   * Connects, and stays connected: comes back by itself, with the calls, after a lost connection
   * and after a reload of the page. Resolves when the gateway has said welcome; rejects with a
   * {@link Fault} when it will not have us.
   */
  async connect(options: ConnectOptions = {}): Promise<void> {
    if (this.#connection && this.#connection.state !== "closed") {
      throw new Fault("bad_state", "connected already: disconnect first");
    }
    this.#token = options.token;
    const connection = new Connection(
      {
        url: options.url ?? ownServer(),
        // By way of `#token`, so that a refreshed one serves the next connection as well.
        token: typeof options.token === "string" ? () => this.#fetch() : options.token,
        capabilities: async () =>
          (await takesPranswer(this.#environment)) ? ["trickle", "pranswer"] : ["trickle"],
        ...(options.client ? { client: options.client } : {}),
      },
      this.#environment,
    );
    this.#connection = connection;
    connection.on("ready", ({ welcome, missed, sync }) => this.#ready(welcome, missed, sync));
    connection.on("event", (event) => this.#take(event));
    connection.on("fault", (fault) => this.emit("fault", fault));
    const settled = new Promise<void>((resolve, reject) => {
      connection.on("state", (detail) => {
        if (detail.state === "connected") resolve();
        if (detail.state === "closed") {
          for (const call of [...this.#calls.values()]) call.lose();
          reject(detail.fault ?? new Fault("not_authenticated", "the connection was closed"));
        }
        this.emit("state", detail);
      });
    });
    settled.catch(() => {}); // Told by `state` as well.
    await connection.open();
    return settled;
  }

  /**
   * Takes a new connection at once, where the page knows that the old one is of no use. Calls go
   * on, and nothing is lost.
   */
  reconnect(): void {
    this.#connection?.reconnect();
  }

  /** Ends all calls and leaves. */
  async disconnect(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    for (const call of [...this.#calls.values()]) call.end();
    if (connection.state === "connected") {
      // Replies come in order: when this one is here, the ends before it are done. It is refused.
      const last = connection.request({ type: "account.remove", account: "-" }).catch(() => {});
      const patience = new Promise<void>((resolve) => {
        this.#environment.setTimeout(resolve, 1000);
      });
      await Promise.race([last, patience]);
    }
    connection.close();
    this.#welcome = undefined;
    this.#accounts.clear();
  }

  /**
   * Calls `to`: what the dial plan knows, or `user:bob`, `join:word`, `sip:…`, `tel:…`. The call
   * is there at once and tells what becomes of it by its events.
   */
  call(to: string, options: CallOptions = {}): Call {
    this.#connected();
    const call = new Call(this.#host, {
      id: this.#environment.newId(),
      direction: "outgoing",
      state: "preparing",
      peer: to,
    });
    this.#calls.set(call.id, call);
    this.#announce(call);
    void call.start(to, options);
    return call;
  }

  /**
   * Sends a text message to whom a call of `to` would go, and returns its id once it is on its way.
   * What becomes of it is told by `delivery` under that id. Rejects with a {@link Fault} where the
   * gateway does not take it.
   */
  async sendMessage(to: string, text: string, options: { account?: string } = {}): Promise<string> {
    const { account } = options;
    const request = { type: "message.send" as const, to, text, ...(account ? { account } : {}) };
    const { id } = await this.#connected().request(request);
    return id;
  }

  /** Registers an account: one that the token names, or one's own where the gateway allows it. */
  async addAccount(account: Omit<AccountAdd, "type" | "id" | "ack">): Promise<void> {
    await this.#connected().request({ type: "account.add", ...account });
    const known = this.#accounts.get(account.account);
    if (known) return;
    const { account: name, uri } = account;
    this.#accounts.set(name, { account: name, state: "registering", ...(uri ? { uri } : {}) });
  }

  /** Takes an account back that `addAccount` brought. */
  async removeAccount(account: string): Promise<void> {
    await this.#connected().request({ type: "account.remove", account });
    this.#accounts.delete(account);
  }

  /** Gives the gateway a newer token on the live connection. */
  async refreshToken(token: string): Promise<void> {
    await this.#connected().request({ type: "token.refresh", token });
    if (typeof this.#token !== "function") this.#token = token;
  }

  // --- inside ---

  #connected(): Connection {
    if (!this.#connection || this.#connection.state === "closed") {
      throw new Fault("not_authenticated", "not connected: call connect() first");
    }
    return this.#connection;
  }

  async #fetch(): Promise<string | undefined> {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  #ready(welcome: Welcome, missed: EventFrame[], sync: Sync): void {
    this.#welcome = welcome;
    this.#accounts.clear();
    for (const account of welcome.accounts) this.#accounts.set(account.account, account);
    // Nothing rings for a call that is over by the end of what was missed.
    this.#catchingUp = true;
    this.#recall();
    for (const event of missed) this.#take(event);
    this.#catchingUp = false;
    const known = new Set(sync.calls.map(({ call }) => call));
    for (const call of [...this.#calls.values()]) {
      // One that is only being prepared, or whose request is about to be sent again, is not lost.
      if (!known.has(call.id) && call.placed) call.lose();
    }
    for (const info of sync.calls) this.#found(info);
    for (const account of this.#accounts.values()) this.emit("account", account);
  }

  /** Calls that rang before the page was loaded again: what was missed may be about them. */
  #recall(): void {
    for (const [id, kept] of this.#connection?.memory.calls() ?? []) {
      if (!kept.incoming || this.#calls.has(id) || this.#past.has(id)) continue;
      const call = this.#incoming(kept.incoming);
      call.invite(kept.incoming, kept.candidates);
    }
  }

  #incoming({ call: id, from }: CallIncoming): Call {
    const call = new Call(this.#host, {
      id,
      direction: "incoming",
      state: "incoming",
      peer: from.uri,
      peerName: from.display_name ?? undefined,
    });
    this.#calls.set(id, call);
    return call;
  }

  /** A call that the gateway knows. */
  #found(info: CallInfo): void {
    if (this.#past.has(info.call)) return; // Its end is on the way.
    let call = this.#calls.get(info.call);
    if (!call) {
      const ringsHere = info.direction === "incoming" && info.state !== "established";
      const kept = this.#host.kept(info.call);
      call = new Call(this.#host, {
        id: info.call,
        direction: info.direction,
        state: ringsHere ? "incoming" : info.state === "established" ? "answering" : info.state,
        peer: kept.peer ?? info.peer ?? "",
      });
      this.#calls.set(call.id, call);
    }
    call.restore(info);
    this.#announce(call);
    if (call.need) this.#ring(call);
  }

  #announce(call: Call): void {
    if (this.#announced.has(call)) return;
    this.#announced.add(call);
    this.emit("call", call);
  }

  #take(event: EventFrame): void {
    switch (event.type) {
      case "account.state": {
        const { seq: _, type: __, ...state } = event;
        const account = { ...this.#accounts.get(event.account), ...state };
        this.#accounts.set(event.account, account);
        return this.emit("account", account);
      }
      case "ice.servers":
        if (this.#welcome) this.#welcome = { ...this.#welcome, ice_servers: event.ice_servers };
        return;
      case "message.incoming":
        return this.emit("message", message(event));
      case "message.delivered":
        return this.emit("delivery", { id: event.id, delivered: true });
      case "message.failed":
        return this.emit("delivery", failed(event));
      case "token.expiring":
        return this.#expiring(event.expires_in_ms);
      default:
        return this.#ofCall(event);
    }
  }

  #ofCall(event: CallEvent): void {
    const known = this.#calls.get(event.call);
    if (known) {
      known.take(event);
      if (event.type === "call.incoming") this.#ring(known);
      return;
    }
    if (event.type !== "call.incoming" || this.#past.has(event.call)) return;
    const call = this.#incoming(event);
    call.invite(event);
    this.#ring(call);
  }

  #ring(call: Call): void {
    if (this.#catchingUp || this.#rung.has(call) || call.state !== "incoming") return;
    this.#rung.add(call);
    this.#announce(call);
    this.#connected()
      .request({ type: "call.ring", call: call.id })
      .catch(() => {}); // The call is over, or rings already: the next event says so.
    this.emit("incoming", call);
  }

  #expiring(expiresInMs: number): void {
    if (typeof this.#token !== "function") return this.emit("tokenexpiring", { expiresInMs });
    this.#fetch()
      .then((token) => (token === undefined ? undefined : this.refreshToken(token)))
      .catch((error: unknown) => {
        const why = `no new token: ${String(error)}`;
        this.emit("fault", error instanceof Fault ? error : new Fault("token_expired", why));
      });
  }

  #forget(call: Call): void {
    this.#calls.delete(call.id);
    this.#past.set(call.id, call);
    const [oldest] = this.#past.keys();
    if (this.#past.size > PAST_MAX && oldest !== undefined) this.#past.delete(oldest);
    this.#connection?.memory.drop(call.id);
  }
}

function message({ from, to, account, text }: MessageIncoming): Message {
  const fromName = from.display_name ?? undefined;
  return { from: from.uri, fromName, to, account: account ?? undefined, text };
}

function failed({ id, cause, sip }: MessageFailed): Delivery {
  return { id, delivered: false, cause, words: messageWords(cause), sip: sip ?? undefined };
}

/** As the browser takes it: there an absent member is absent, not null. */
function iceServer({ urls, username, credential }: IceServer): RTCIceServer {
  return { urls, ...(username ? { username } : {}), ...(credential ? { credential } : {}) };
}

/** `/ws` beside the page. */
function ownServer(): string {
  const url = new URL("/ws", globalThis.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
