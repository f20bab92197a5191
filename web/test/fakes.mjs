// What the library takes from a browser, under the test's control: time, sockets, storage, locks.

/** Time that passes when a test says so. */
export class Clock {
  now = 0;
  #timers = new Map();
  #next = 1;

  setTimeout = (run, ms) => {
    const id = this.#next++;
    this.#timers.set(id, { run, at: this.now + ms });
    return id;
  };

  clearTimeout = (id) => void this.#timers.delete(id);

  /** Runs what is due within `ms`, in order, and what follows from it. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [id, { run, at }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      run();
    }
    this.now = end;
    await settle();
  }
}

/** Lets promises run. */
export async function settle() {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  sent = [];
  closed = undefined;

  constructor(url, protocol) {
    Object.assign(this, {
      url,
      protocol,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code, reason) {
    this.closed = { code, reason };
  }

  // The gateway's side.

  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  lose(code = 1006, reason = "") {
    this.onclose?.({ code, reason });
  }

  /** Opens, hears the hello, says welcome and sync. */
  async welcome(more = {}, { events = [], calls = [], upTo } = {}) {
    this.onopen?.({});
    await settle();
    const welcome = { ...WELCOME, ...more };
    const last = upTo ?? events.at(-1)?.seq ?? welcome.next_seq - 1;
    this.say(welcome, ...events, { type: "sync", up_to: last, calls });
    await settle();
  }

  /** The frames of a type that were sent. */
  of(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export const WELCOME = {
  type: "welcome",
  session: "s-1",
  resumed: false,
  next_seq: 1,
  user: "alice",
  accounts: [],
  ice_servers: [],
  limits: { frame_bytes: 4096, calls: 20, candidates: 200, frames_per_second: 100, text_bytes: 8192 },
  grace: { ringing_ms: 60000, answered_ms: 300000 },
  heartbeat_ms: 20000,
  gateway: "crosspoint/0.1.0",
};

export class FakeStore {
  kept;

  constructor(kept = new Map()) {
    this.kept = kept;
  }

  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, value) => void this.kept.set(key, value);
  removeItem = (key) => void this.kept.delete(key);

  /** As a browser copies it into a duplicated tab. */
  copy() {
    return new FakeStore(new Map(this.kept));
  }
}

/** The locks of one browser, for all its tabs. */
export class FakeLocks {
  held = new Map();

  request = async (name, { signal }, callback) => {
    while (this.held.has(name)) {
      await new Promise((resolve, reject) => {
        this.held.get(name).finally(resolve);
        signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    }
    const done = Promise.resolve(callback({ name })).finally(() => this.held.delete(name));
    this.held.set(name, done);
    return done;
  };
}

/** Channels between the tabs of one browser. */
export function fakeChannels() {
  const open = new Set();
  return (name) => {
    const channel = {
      name,
      onmessage: null,
      postMessage: (data) => {
        for (const other of open) {
          if (other !== channel && other.name === name) {
            queueMicrotask(() => other.onmessage?.({ data }));
          }
        }
      },
      close: () => open.delete(channel),
    };
    open.add(channel);
    return channel;
  };
}

/** An environment of one tab; `sockets` fills as the library dials. */
export function tab(options = {}) {
  const clock = options.clock ?? new Clock();
  const sockets = [];
  const connections = [];
  const window = new EventTarget();
  let ids = 0;
  const environment = {
    openSocket: (url, protocol) => {
      const socket = new FakeSocket(url, protocol);
      sockets.push(socket);
      return socket;
    },
    newPeerConnection: (configuration) => {
      const made = new FakePeerConnection(configuration);
      connections.push(made);
      return made;
    },
    userMedia: async ({ audio, video }) =>
      new FakeStream([
        ...(audio ? [new FakeTrack("audio")] : []),
        ...(video ? [new FakeTrack("video")] : []),
      ]),
    newStream: (tracks = []) => new FakeStream(tracks),
    store: options.store ?? new FakeStore(),
    locks: options.locks,
    openChannel: options.openChannel,
    window,
    network: undefined,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    random: () => 0.5,
    newId: () => `${options.name ?? "tab"}-${(ids += 1)}`.padEnd(12, "0"),
    now: () => clock.now,
    ...options.environment,
  };
  return { environment, clock, sockets, connections, window };
}

export class FakeTrack {
  enabled = true;
  readyState = "live";

  constructor(kind) {
    this.kind = kind;
  }

  clone() {
    return new FakeTrack(this.kind);
  }

  stop() {
    this.readyState = "ended";
  }
}

export class FakeStream {
  #tracks;

  constructor(tracks) {
    this.#tracks = [...tracks];
  }

  getTracks = () => [...this.#tracks];
  addTrack = (track) => void this.#tracks.push(track);
  removeTrack = (track) => void (this.#tracks = this.#tracks.filter((other) => other !== track));
}

/** As much of an RTCPeerConnection as signaling needs, with its rules of state (RFC 9429 §3.2). */
export class FakePeerConnection {
  signalingState = "stable";
  iceConnectionState = "new";
  localDescription = null;
  remoteDescription = null;
  currentLocalDescription = null;
  currentRemoteDescription = null;
  candidates = [];
  log = [];
  #transceivers = [];
  #offers = 0;
  #generation = 1;

  constructor(configuration) {
    this.configuration = configuration;
  }

  getTransceivers = () => [...this.#transceivers];
  getSenders = () => this.#transceivers.map(({ sender }) => sender);
  getReceivers = () => this.#transceivers.map(({ receiver }) => receiver);

  addTransceiver(trackOrKind, { direction = "sendrecv" } = {}) {
    const track = typeof trackOrKind === "string" ? null : trackOrKind;
    const transceiver = {
      mid: null,
      direction,
      currentDirection: null,
      sender: {
        track,
        dtmf: null,
        replaceTrack: async (next) => void (transceiver.sender.track = next),
      },
      receiver: { track: new FakeTrack(track?.kind ?? trackOrKind) },
    };
    this.#transceivers.push(transceiver);
    return transceiver;
  }

  addTrack(track) {
    return this.addTransceiver(track).sender;
  }

  restartIce() {
    this.#generation += 1;
    this.log.push("restartIce");
  }

  #sdp(type) {
    const sections = this.#transceivers.map((transceiver, at) => {
      transceiver.mid = String(at);
      const { kind } = transceiver.receiver.track;
      return `m=${kind} 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:${at}\r\na=${transceiver.direction}\r\n`;
    });
    this.#offers += 1;
    const ufrag = `a=ice-ufrag:${this.#ufrag(type)}\r\n`;
    return `v=0\r\no=- ${type}-${this.#offers}\r\n${ufrag}${sections.join("")}`;
  }

  /** An answer begins ICE anew where the offer does, and only there (RFC 8829 §5.3.1). */
  #ufrag(type) {
    const of = (description) => description?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1];
    const before = of(this.currentLocalDescription);
    if (type === "answer" && before) {
      if (of(this.remoteDescription) === of(this.currentRemoteDescription)) return before;
      if (`g${this.#generation}` === before) this.#generation += 1;
    }
    return `g${this.#generation}`;
  }

  async setLocalDescription(description) {
    await Promise.resolve();
    if (description?.type === "rollback") return this.#rollback("local");
    const answers = this.signalingState === "have-remote-offer";
    if (!answers && this.signalingState !== "stable")
      throw new Error(`offer in ${this.signalingState}`);
    this.log.push(answers ? "local answer" : "local offer");
    this.localDescription = {
      type: answers ? "answer" : "offer",
      sdp: this.#sdp(answers ? "answer" : "offer"),
    };
    this.signalingState = answers ? "stable" : "have-local-offer";
    if (answers) this.#agree();
  }

  async setRemoteDescription({ type, sdp }) {
    await Promise.resolve();
    if (type === "rollback") return this.#rollback("remote");
    if (sdp === "bad") throw new Error("cannot parse");
    if (type === "offer") {
      if (this.signalingState === "have-local-offer") this.#rollback("local");
      if (this.signalingState !== "stable") throw new Error(`offer in ${this.signalingState}`);
      this.signalingState = "have-remote-offer";
    } else {
      if (!["have-local-offer", "have-remote-pranswer"].includes(this.signalingState)) {
        throw new Error(`${type} in ${this.signalingState}`);
      }
      this.signalingState = type === "answer" ? "stable" : "have-remote-pranswer";
    }
    this.log.push(`remote ${type}`);
    this.remoteDescription = { type, sdp };
    if (type === "answer") {
      // A section with port 0 is turned down, and stopped (W3C webrtc-pc §4.4.1.5).
      [...sdp.matchAll(/^m=\w+ (\d+)/gm)].forEach(([, port], at) => {
        if (port === "0" && this.#transceivers[at]) this.#transceivers[at].direction = "stopped";
      });
    }
    if (type === "answer") this.#agree();
  }

  #agree() {
    this.currentLocalDescription = this.localDescription;
    this.currentRemoteDescription = this.remoteDescription;
    // What is stopped is not listed any more, as in browsers (webrtc-pc §4.4.1.5).
    this.#transceivers = this.#transceivers.filter(({ direction }) => direction !== "stopped");
    for (const transceiver of this.#transceivers)
      transceiver.currentDirection = transceiver.direction;
  }

  #rollback(side) {
    this.log.push(`rollback ${side}`);
    this.signalingState = "stable";
    this.localDescription = this.currentLocalDescription;
    this.remoteDescription = this.currentRemoteDescription;
  }

  async createOffer() {
    return { type: "offer", sdp: "v=0\r\n" };
  }

  async createAnswer() {
    return { type: "answer", sdp: "v=0\r\n" };
  }

  async addIceCandidate(candidate) {
    if (!this.remoteDescription) throw new Error("no remote description");
    this.candidates.push(candidate);
  }

  close() {
    this.signalingState = "closed";
  }
}
