/**
 * The WebSocket to the gateway: hello, requests and their replies, events in order, heartbeat,
 * reconnect and resume. Knows nothing of calls.
 *
 * ```text
 *            open()              socket open           welcome           sync
 *   idle ───────────▶ opening ───────────────▶ greeting ───────▶ replaying ───▶ open
 *                        ▲                        │                  │           │
 *                        │ back-off, or `online`  │ socket lost      │           │
 *                     waiting ◀───────────────────┴──────────────────┴───────────┘
 *   any ── close(), or a close code that forbids to come back ──▶ closed
 * ```
 *
 * Requests that have no reply when a socket is lost are sent again, with their ids, on the next.
 */
import type {
  ClientFrame,
  ErrorFrame,
  EventFrame,
  Result,
  ServerFrame,
  Sync,
  Welcome,
} from "./frames.js";
import { SUBPROTOCOL } from "./frames.js";
import { close } from "./protocol.js";
import type { RequestFrame } from "./protocol.js";
import { Emitter } from "./events.js";
import type { Environment, Socket, Timer } from "./environment.js";
import { Fault } from "./fault.js";
import { claim } from "./guard.js";
import type { Release } from "./guard.js";
import { Memory } from "./memory.js";
import { BadFrame, isEvent, readServerFrame } from "./shapes.js";

/** A token, or what fetches one each time it is needed. */
export type Token = string | undefined | (() => Promise<string | undefined>);

/** Where to connect, and as whom. */
export interface ConnectionOptions {
  /** `wss://…/ws`. */
  url: string;
  token?: Token;
  /** What the browser can: `trickle` and, where it takes early answers, `pranswer`. */
  capabilities: () => Promise<string[]>;
  /** Name and version of the page, for the gateway's log. */
  client?: string;
}

/** How the connection stands. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting" | "closed";

/** What a connection tells. */
export interface ConnectionEvents {
  state: { state: ConnectionState; fault?: Fault; retryInMs?: number };
  /** After a welcome: the events that were missed, in order, then the truth. */
  ready: { welcome: Welcome; missed: EventFrame[]; sync: Sync };
  event: EventFrame;
  fault: Fault;
}

/** How long a socket may take to open and say welcome. */
const OPEN_MS = 10_000;
/** How long the answer to a ping may take. */
const PONG_MS = 8_000;
/** The same when there is reason to doubt: the network changed, the tab woke up. */
const PROBE_MS = 3_000;
/** The longest pause between two attempts. */
const PAUSE_MAX_MS = 15_000;
/** After this long a connection counts as good, and back-off begins anew. */
const GOOD_MS = 5_000;
/** Events are acknowledged together. */
const ACK_MS = 400;
const ACK_EVENTS = 32;
/** Requests that may wait at once. */
const PENDING_MAX = 1000;
/** How often a rate-limited request is made again. */
const RATE_RETRIES = 3;

type State =
  | { name: "idle" }
  | { name: "opening"; socket?: Socket; timer?: Timer }
  | { name: "greeting"; socket: Socket; timer: Timer }
  | { name: "replaying"; socket: Socket; timer: Timer; welcome: Welcome; missed: EventFrame[] }
  | { name: "open"; socket: Socket; since: number }
  | { name: "waiting"; timer: Timer }
  | { name: "closed"; fault: Fault | undefined };

interface Pending {
  frame: RequestFrame;
  tries: number;
  resolve(result: Result): void;
  reject(fault: Fault): void;
}

export class Connection extends Emitter<ConnectionEvents> {
  readonly memory: Memory;
  readonly #options: ConnectionOptions;
  readonly #environment: Environment;
  #state: State = { name: "idle" };
  #session: string | undefined;
  #seq = 0;
  #acknowledged = 0;
  #pending = new Map<string, Pending>();
  #nextId = 1;
  readonly #idPrefix: string;
  #attempts = 0;
  #token: string | undefined;
  #rejected: { token: string | undefined; fault: Fault } | undefined;
  #wasOpen = false;
  #refusal: Fault | undefined;
  #release: Release | undefined;
  #limits: Welcome["limits"] | undefined;
  #heartbeatMs = 20_000;
  #beat: Timer | undefined;
  #deadline: Timer | undefined;
  #deadlineAt = 0;
  #ackTimer: Timer | undefined;
  readonly #onOnline = () => this.#hurry();
  readonly #onVisible = () => this.#hurry();

  constructor(options: ConnectionOptions, environment: Environment) {
    super();
    this.#options = options;
    this.#environment = environment;
    this.memory = new Memory(environment.store, options.url);
    // Ids of requests are remembered by the session, which outlives a page: no page repeats one.
    this.#idPrefix = environment.newId().slice(0, 8);
  }

  /** How the connection stands. */
  get state(): ConnectionState {
    switch (this.#state.name) {
      case "idle":
        return "idle";
      case "open":
        return "connected";
      case "closed":
        return "closed";
      case "opening":
      case "greeting":
      case "replaying":
      case "waiting":
        return this.#wasOpen ? "reconnecting" : "connecting";
    }
  }

  /** Begins, with the session that this tab had before a reload, where there is one. */
  async open(): Promise<void> {
    if (this.#state.name !== "idle") return;
    this.#enter({ name: "opening" });
    this.#environment.window?.addEventListener("online", this.#onOnline);
    this.#environment.window?.addEventListener("pageshow", this.#onVisible);
    this.#environment.window?.addEventListener("focus", this.#onVisible);
    const kept = this.memory.load();
    if (kept) {
      this.#release = await claim(kept.session, this.#environment);
      if (this.#release) {
        this.#session = kept.session;
        this.#seq = kept.seq;
        this.#acknowledged = kept.seq;
      } else {
        this.memory.forget(); // A copy of a tab that lives: a session of its own.
      }
    }
    if (this.#is("opening")) this.#dial();
  }

  /** Ends it for good. Calls go on at the gateway until their grace is over, or are ended first. */
  close(): void {
    if (this.#state.name === "closed") return;
    const socket = this.#socket();
    this.memory.forget();
    this.#shut(undefined);
    socket?.close(1000, "bye");
  }

  /** Takes a new socket in place of the one there is; what was missed comes again. */
  reconnect(): void {
    const socket = this.#socket();
    if (socket) this.#lost(socket);
    else this.#hurry();
  }

  /**
   * Sends a request; resolves with the gateway's `result`, rejects with a {@link Fault}. Waits for
   * the connection where there is none, and is sent again after a lost one.
   */
  request(frame: RequestFrame): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#state.name === "closed") {
        return reject(this.#state.fault ?? new Fault("not_authenticated", "not connected"));
      }
      if (this.#pending.size >= PENDING_MAX) {
        return reject(new Fault("overloaded", "too many requests wait for the connection"));
      }
      this.#ask({ frame, tries: 0, resolve, reject });
    });
  }

  #ask(pending: Pending): void {
    const id = `${this.#idPrefix}-${this.#nextId++}`;
    this.#pending.set(id, pending);
    if (this.#state.name === "open") this.#sendPending(id, pending);
  }

  #sendPending(id: string, pending: Pending): void {
    const frame = { ...pending.frame, id } as ClientFrame;
    const bytes = new TextEncoder().encode(JSON.stringify(frame)).length + 32;
    if (this.#limits && bytes > this.#limits.frame_bytes) {
      this.#pending.delete(id);
      const most = this.#limits.frame_bytes;
      return pending.reject(new Fault("too_large", `${bytes} of at most ${most} bytes`));
    }
    this.#send(frame);
  }

  // --- the socket ---

  async #dial(): Promise<void> {
    const opening: State = { name: "opening" };
    this.#enter(opening);
    let token: string | undefined;
    let capabilities: string[];
    try {
      const { token: given } = this.#options;
      token = typeof given === "function" ? await given() : given;
      capabilities = await this.#options.capabilities();
    } catch (error) {
      if (this.#state !== opening) return;
      this.emit("fault", new Fault("not_authenticated", `no token: ${String(error)}`));
      return this.#wait();
    }
    if (this.#state !== opening) return;
    if (this.#rejected && token === this.#rejected.token) return this.#shut(this.#rejected.fault);
    this.#token = token;
    let socket: Socket;
    try {
      socket = this.#environment.openSocket(this.#options.url, SUBPROTOCOL);
    } catch (error) {
      return this.#shut(new Fault("bad_address", String(error)));
    }
    const timer = this.#environment.setTimeout(() => this.#lost(socket), OPEN_MS);
    this.#state = { name: "opening", socket, timer };
    socket.onopen = () => this.#greet(socket, timer, capabilities, token);
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#take(socket, data);
    };
    socket.onclose = ({ code, reason }) => this.#closed(socket, code, reason);
    socket.onerror = () => {}; // `close` follows and says more.
  }

  #greet(socket: Socket, timer: Timer, capabilities: string[], token: string | undefined): void {
    if (this.#socket() !== socket) return;
    this.#state = { name: "greeting", socket, timer };
    const { client } = this.#options;
    this.#send({
      type: "hello",
      capabilities,
      ...(token === undefined ? {} : { token }),
      ...(this.#session ? { resume: { session: this.#session, seq: this.#seq } } : {}),
      ...(client ? { client } : {}),
    });
  }

  #take(socket: Socket, json: string): void {
    if (this.#socket() !== socket) return;
    this.#environment.clearTimeout(this.#deadline);
    this.#deadline = undefined;
    let frame: ServerFrame | undefined;
    try {
      frame = readServerFrame(json);
    } catch (error) {
      const why = error instanceof BadFrame ? error.message : String(error);
      this.emit("fault", new Fault("bad_frame", `from the gateway: ${why}`));
      return this.#skip(json);
    }
    if (!frame) return this.#skip(json);
    if (isEvent(frame)) return this.#event(frame);
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "sync":
        return this.#synced(frame);
      case "result":
        this.#pending.get(frame.id)?.resolve(frame);
        this.#pending.delete(frame.id);
        return;
      case "error":
        return this.#refused(frame);
      case "pong":
        return; // That it came is what counts.
    }
  }

  /** An event that cannot be used still counts: the next would look like a gap otherwise. */
  #skip(json: string): void {
    const seq = /"seq":\s*(\d+)/.exec(json)?.[1];
    if (Number(seq) !== this.#seq + 1) return;
    if (this.#state.name === "replaying") this.#seq += 1;
    else this.#saw(this.#seq + 1);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#state.name !== "greeting") return;
    const { socket, timer } = this.#state;
    if (welcome.session !== this.#session) {
      this.#session = welcome.session;
      this.#release?.();
      this.#release = undefined;
      void claim(welcome.session, this.#environment).then((release) => {
        if (this.#session === welcome.session) this.#release = release;
        else release?.();
      });
    }
    if (welcome.resumed !== true) this.#seq = welcome.next_seq - 1;
    this.#acknowledged = Math.min(this.#acknowledged, this.#seq);
    this.memory.begin(welcome.session, this.#seq);
    this.#limits = welcome.limits;
    this.#heartbeatMs = Math.max(1000, welcome.heartbeat_ms);
    this.#state = { name: "replaying", socket, timer, welcome, missed: [] };
  }

  #synced(sync: Sync): void {
    if (this.#state.name !== "replaying") return;
    const { socket, timer, welcome, missed } = this.#state;
    this.#environment.clearTimeout(timer);
    this.#seq = Math.max(this.#seq, sync.up_to);
    this.memory.saw(this.#seq);
    this.#refusal = undefined;
    this.#rejected = undefined;
    this.#wasOpen = true;
    this.#state = { name: "open", socket, since: this.#environment.now() };
    // First the client learns what is true now, then what it asked for before goes out again.
    const waiting = [...this.#pending];
    this.emit("ready", { welcome, missed, sync });
    for (const [id, pending] of waiting) {
      if (this.#is("open") && this.#pending.has(id)) this.#sendPending(id, pending);
    }
    this.#acknowledgeSoon();
    this.#rest();
    this.emit("state", { state: this.state });
  }

  #event(event: EventFrame): void {
    if (event.seq <= this.#seq) return; // Known: it crossed with our acknowledgement.
    if (event.seq !== this.#seq + 1) {
      const message = `event ${event.seq} came after ${this.#seq}: resuming`;
      this.emit("fault", new Fault("bad_frame", message));
      const socket = this.#socket();
      return socket && this.#lost(socket);
    }
    if (this.#state.name === "replaying") {
      this.#state.missed.push(event);
      this.#seq = event.seq; // Kept, and acknowledged, when `sync` says the replay is whole.
      return;
    }
    this.emit("event", event);
    this.#saw(event.seq);
  }

  #saw(seq: number): void {
    this.#seq = seq;
    this.memory.saw(seq);
    this.#acknowledgeSoon();
  }

  #refused(frame: ErrorFrame): void {
    const fault = Fault.of(frame);
    const id = frame.id ?? undefined;
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !pending) {
      this.#refusal = fault;
      if (this.#state.name === "open") this.emit("fault", fault);
      return;
    }
    this.#pending.delete(id);
    if (fault.code === "rate_limited" && pending.tries < RATE_RETRIES) {
      pending.tries += 1;
      this.#environment.setTimeout(() => this.#ask(pending), fault.retryAfterMs ?? 1000);
      return;
    }
    pending.reject(fault);
  }

  // --- acknowledgement and heartbeat ---

  #acknowledgeSoon(): void {
    if (this.#seq - this.#acknowledged >= ACK_EVENTS) return this.#acknowledge();
    if (this.#seq === this.#acknowledged || this.#ackTimer !== undefined) return;
    this.#ackTimer = this.#environment.setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge(): void {
    this.#environment.clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (this.#state.name === "open" && this.#seq > this.#acknowledged) {
      this.#send({ type: "ack", ack: this.#seq });
    }
  }

  /** Pings again and again, whatever else is sent: only a ping is sure to be answered. */
  #rest(): void {
    this.#environment.clearTimeout(this.#beat);
    this.#beat = this.#environment.setTimeout(() => {
      this.#probe(PONG_MS);
      this.#rest();
    }, this.#heartbeatMs);
  }

  /** Pings. The gateway has until the deadline to say anything; a later ping gives it no longer. */
  #probe(deadlineMs: number): void {
    if (this.#state.name !== "open") return;
    const { socket } = this.#state;
    this.#send({ type: "ping" });
    const until = this.#environment.now() + deadlineMs;
    if (this.#deadline !== undefined && this.#deadlineAt <= until) return;
    this.#environment.clearTimeout(this.#deadline);
    this.#deadlineAt = until;
    this.#deadline = this.#environment.setTimeout(() => this.#lost(socket), deadlineMs);
  }

  /** The network is back, or the tab: is the connection still there? */
  #hurry(): void {
    if (this.#state.name === "open") return this.#probe(PROBE_MS);
    if (this.#state.name !== "waiting") return;
    this.#environment.clearTimeout(this.#state.timer);
    void this.#dial();
  }

  #send(frame: ClientFrame): void {
    const socket = this.#socket();
    if (!socket) return;
    const acknowledges = this.#state.name === "open" && this.#seq > this.#acknowledged;
    if (acknowledges) this.#acknowledged = this.#seq;
    const ack = acknowledges ? { ack: this.#seq } : {};
    socket.send(JSON.stringify({ ...frame, ...ack }));
  }

  // --- the end of a socket ---

  #closed(socket: Socket, code: number, reason: string): void {
    if (this.#socket() !== socket) return;
    const fault = this.#refusal;
    const say = (of: Fault["code"]) => fault ?? new Fault(of, reason || `closed with ${code}`);
    switch (code) {
      case close.superseded:
        this.memory.forget();
        return this.#shut(say("superseded"));
      case close.badHello:
      case close.binary:
        return this.#shut(say("bad_frame"));
      case close.tooMuch:
        return this.#shut(say("too_large"));
      case close.notAuthenticated:
        // A token that is fetched may only have been too old: tried again if there is another.
        if (typeof this.#options.token === "function" && !this.#rejected) {
          this.#rejected = { token: this.#token, fault: say("not_authenticated") };
          return this.#lost(socket);
        }
        return this.#shut(say("not_authenticated"));
      default:
        return this.#lost(socket);
    }
  }

  #lost(socket: Socket): void {
    if (this.#socket() !== socket) return;
    const good =
      this.#state.name === "open" && this.#environment.now() - this.#state.since >= GOOD_MS;
    if (good) this.#attempts = 0;
    this.#forgetSocket(socket);
    socket.close(); // A dead network may keep it for minutes; it is not listened to any more.
    // What was not yet kept of a broken replay comes again.
    if (this.#state.name === "replaying") this.#seq = this.#state.welcome.next_seq - 1;
    this.#wait();
  }

  #wait(): void {
    const { random } = this.#environment;
    const most = Math.min(PAUSE_MAX_MS, 300 * 2 ** this.#attempts);
    const hinted = this.#refusal?.retryAfterMs ?? 0;
    const pause = this.#attempts === 0 ? random() * 200 : most * (0.5 + random() / 2);
    const delay = Math.round(Math.max(pause, Math.min(hinted, 60_000)));
    this.#attempts += 1;
    const fault = this.#refusal;
    this.#refusal = undefined;
    const timer = this.#environment.setTimeout(() => void this.#dial(), delay);
    this.#state = { name: "waiting", timer };
    const why = fault ? { fault } : {};
    this.emit("state", { state: this.state, retryInMs: delay, ...why });
  }

  #forgetSocket(socket: Socket): void {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {};
    for (const timer of [this.#beat, this.#deadline, this.#ackTimer]) {
      this.#environment.clearTimeout(timer);
    }
    this.#beat = this.#deadline = this.#ackTimer = undefined;
    this.#acknowledged = Math.min(this.#acknowledged, this.#seq);
    if ("timer" in this.#state) this.#environment.clearTimeout(this.#state.timer);
  }

  #shut(fault: Fault | undefined): void {
    const socket = this.#socket();
    if (socket) this.#forgetSocket(socket);
    if (this.#state.name === "waiting") this.#environment.clearTimeout(this.#state.timer);
    this.#release?.();
    this.#release = undefined;
    this.#environment.window?.removeEventListener("online", this.#onOnline);
    this.#environment.window?.removeEventListener("pageshow", this.#onVisible);
    this.#environment.window?.removeEventListener("focus", this.#onVisible);
    this.#state = { name: "closed", fault };
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    const end = fault ?? new Fault("not_authenticated", "the connection was closed");
    for (const { reject } of pending) reject(end);
    this.emit("state", { state: "closed", ...(fault ? { fault } : {}) });
  }

  #enter(state: State): void {
    const before = this.state;
    this.#state = state;
    if (this.state !== before) this.emit("state", { state: this.state });
  }

  #is(name: State["name"]): boolean {
    return this.#state.name === name;
  }

  #socket(): Socket | undefined {
    return "socket" in this.#state ? this.#state.socket : undefined;
  }
}
