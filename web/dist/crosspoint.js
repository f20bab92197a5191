// src/call.ts
var RESTART_AFTER_MS = 3e3;
var Call = class extends EventTarget {
  constructor(connection, iceServers, id, direction, peer, name, options = {}) {
    super();
    this.connection = connection;
    this.iceServers = iceServers;
    this.id = id;
    this.direction = direction;
    this.peer = peer;
    this.name = name;
    this.options = options;
    this.phase = direction === "incoming" ? "incoming" : "calling";
  }
  connection;
  iceServers;
  id;
  direction;
  peer;
  name;
  options;
  /** The local media, once there is any. */
  local;
  /** The remote media. */
  remote = new MediaStream();
  /** What flows on each section, as the gateway last said. */
  media = [];
  /** How it ended. */
  end;
  /** When it was answered. */
  answeredAt;
  pc;
  phase;
  offers = 0;
  ownOffer;
  early = [];
  work = Promise.resolve();
  restart;
  held = false;
  ready = false;
  incoming;
  get state() {
    return this.phase;
  }
  get isHeld() {
    return this.held;
  }
  get isMuted() {
    return this.local?.getAudioTracks().every((track) => !track.enabled) ?? false;
  }
  get hasVideo() {
    return (this.local?.getVideoTracks().length ?? 0) > 0;
  }
  /** Begins an outgoing call. */
  async start(to) {
    await this.prepare(this.options.video ?? false);
    const description = await this.offer();
    const { account, displayName } = this.options;
    await this.connection.request({
      type: "call.create",
      call: this.id,
      to,
      description,
      ...account === void 0 ? {} : { account },
      ...displayName === void 0 ? {} : { display_name: displayName }
    });
    this.ready = true;
    this.sendEarly();
  }
  /** Takes an incoming call. */
  async accept(options = {}) {
    const invitation = this.incoming;
    if (!invitation) throw new Error("there is no call to accept");
    Object.assign(this.options, options);
    await this.prepare(options.video ?? false);
    const pc = this.peerConnection();
    let description;
    if (invitation.need === "answer" && invitation.description) {
      await pc.setRemoteDescription(invitation.description);
      await this.addEarly();
      await pc.setLocalDescription(await pc.createAnswer());
      description = plain(pc.localDescription);
    } else {
      description = await this.offer();
    }
    this.ready = true;
    const negotiation = invitation.negotiation ?? this.ownOffer;
    await this.connection.request({
      type: "call.accept",
      call: this.id,
      description,
      ...negotiation === void 0 ? {} : { negotiation }
    });
    this.sendEarly();
  }
  /** Does not take an incoming call. */
  async reject(cause = "declined") {
    await this.connection.request({ type: "call.reject", call: this.id, cause });
  }
  /** Hangs up. */
  async hangUp() {
    if (this.phase !== "ended") await this.connection.request({ type: "call.end", call: this.id });
  }
  /** The microphone off or on. Nothing is signaled. */
  mute(muted) {
    for (const track of this.local?.getAudioTracks() ?? []) track.enabled = !muted;
    this.changed();
  }
  /** Holds: sends and takes nothing until {@link resume}. */
  hold() {
    return this.direct(true);
  }
  /** Ends the hold. */
  resume() {
    return this.direct(false);
  }
  /** Presses keys: in the sound where the other side takes that, else by signaling. */
  async dtmf(digits) {
    const sender = this.pc?.getSenders().find((one) => one.track?.kind === "audio");
    if (sender?.dtmf?.canInsertDTMF) sender.dtmf.insertDTMF(digits, 160, 70);
    else await this.connection.request({ type: "call.dtmf", call: this.id, digits });
  }
  /** New ICE credentials and candidates: after the network has changed. */
  async restartIce() {
    if (this.phase !== "connected" || !this.pc) return;
    this.pc.restartIce();
    await this.renegotiate("call.description");
  }
  /** Adds the camera. */
  async addVideo(stream) {
    const media = stream ?? await navigator.mediaDevices.getUserMedia({ video: true });
    const track = media.getVideoTracks()[0];
    if (!track) return;
    this.local?.addTrack(track);
    const pc = this.peerConnection();
    const idle = pc.getTransceivers().find((one) => one.receiver.track.kind === "video" && !one.sender.track && one.direction !== "stopped");
    if (idle) {
      await idle.sender.replaceTrack(track);
      idle.direction = "sendrecv";
    } else {
      pc.addTrack(track, this.local ?? media);
    }
    await this.renegotiate("call.description");
    this.changed();
  }
  /** Takes the camera out. */
  async removeVideo() {
    const pc = this.peerConnection();
    for (const transceiver of pc.getTransceivers()) {
      const track = transceiver.sender.track;
      if (track?.kind !== "video") continue;
      track.stop();
      this.local?.removeTrack(track);
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = "recvonly";
    }
    await this.renegotiate("call.description");
    this.changed();
  }
  /** @internal Takes an event of the gateway, one after the other. */
  receive(event) {
    this.work = this.work.then(() => this.handle(event)).catch((error) => {
      this.dispatchEvent(new CustomEvent("error", { detail: error }));
    });
  }
  /** @internal A page that was reloaded goes on with this call: new ICE, new DTLS, a full offer. */
  async rejoin(info) {
    if (info.state !== "established") return;
    this.enter("connected");
    this.answeredAt ??= Date.now();
    await this.prepare(false);
    this.ready = true;
    await this.renegotiate("call.description");
  }
  async handle(event) {
    const pc = this.pc;
    switch (event.type) {
      case "call.incoming":
        this.incoming = event;
        await this.connection.request({ type: "call.ring", call: this.id }).catch(() => void 0);
        return;
      case "call.ringing":
        if (this.phase === "calling") this.enter("ringing");
        return;
      case "call.progress":
        if (pc) {
          await pc.setRemoteDescription({ type: "pranswer", sdp: event.description.sdp ?? "" });
          await this.addEarly();
          this.enter("early");
        }
        return;
      case "call.accepted":
        this.answeredAt = Date.now();
        if (event.description) await this.described(event.description, event.negotiation);
        this.enter("connected");
        return;
      case "call.description":
        await this.described(event.description, event.negotiation);
        return;
      case "call.offer_requested":
        await this.renegotiate("call.description");
        return;
      case "call.candidate":
        if (pc?.remoteDescription) await pc.addIceCandidate(event.candidate).catch(() => void 0);
        else this.early.push(event.candidate);
        return;
      case "call.media":
        this.media = event.media;
        this.dispatchEvent(new CustomEvent("media", { detail: event.media }));
        this.changed();
        return;
      case "call.dtmf":
        this.dispatchEvent(new CustomEvent("dtmf", { detail: event.digit }));
        return;
      case "call.ended":
        this.finish({ cause: event.cause, by: event.by, message: event.message, ...event.sip ? { status: event.sip.status } : {} });
    }
  }
  async described(description, negotiation) {
    const pc = this.peerConnection();
    if (description.type === "rollback") {
      if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      else if (pc.signalingState === "have-remote-offer") await pc.setRemoteDescription({ type: "rollback" });
      this.ownOffer = void 0;
      return;
    }
    if (description.type !== "offer") {
      if (pc.signalingState === "stable") return;
      await pc.setRemoteDescription(description);
      this.ownOffer = void 0;
      return this.addEarly();
    }
    await pc.setRemoteDescription(description);
    await this.addEarly();
    if (this.held) this.point();
    await pc.setLocalDescription(await pc.createAnswer());
    this.ready = true;
    await this.connection.request({
      type: "call.description",
      call: this.id,
      description: plain(pc.localDescription),
      ...negotiation === void 0 ? {} : { negotiation }
    });
    this.sendEarly();
  }
  async direct(held) {
    const before = this.held;
    this.held = held;
    this.point();
    try {
      await this.renegotiate(held ? "call.hold" : "call.resume");
    } catch (error) {
      this.held = before;
      this.point();
      throw error;
    }
    this.changed();
  }
  /** Directions as the hold wants them. */
  point() {
    for (const transceiver of this.pc?.getTransceivers() ?? []) {
      if (transceiver.direction === "stopped") continue;
      const sends = transceiver.sender.track !== null;
      if (this.held) transceiver.direction = sends ? "sendonly" : "inactive";
      else transceiver.direction = sends ? "sendrecv" : "recvonly";
      if (transceiver.sender.track?.kind === "audio") transceiver.sender.track.enabled = !this.held;
    }
  }
  async renegotiate(type) {
    const pc = this.peerConnection();
    if (pc.signalingState !== "stable") return;
    const description = await this.offer();
    await this.connection.request({ type, call: this.id, description, negotiation: this.ownOffer ?? 1 });
  }
  async offer() {
    const pc = this.peerConnection();
    await pc.setLocalDescription(await pc.createOffer());
    this.ownOffer = ++this.offers;
    return plain(pc.localDescription);
  }
  async prepare(video) {
    const stream = this.options.stream ?? await navigator.mediaDevices.getUserMedia({ audio: true, video });
    this.local = stream;
    const pc = this.peerConnection();
    for (const track of stream.getTracks()) {
      if (!pc.getSenders().some((sender) => sender.track === track)) pc.addTrack(track, stream);
    }
    this.changed();
  }
  peerConnection() {
    if (this.pc) return this.pc;
    const pc = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: "balanced" });
    this.pc = pc;
    pc.onicecandidate = ({ candidate }) => {
      const init = candidate ? candidate.toJSON() : { candidate: "" };
      if (this.ready) this.connection.tell({ type: "call.candidate", call: this.id, candidate: init });
      else this.waiting.push(init);
    };
    pc.ontrack = ({ track }) => {
      if (!this.remote.getTracks().includes(track)) this.remote.addTrack(track);
      this.dispatchEvent(new CustomEvent("track", { detail: track }));
    };
    pc.oniceconnectionstatechange = () => {
      clearTimeout(this.restart);
      if (pc.iceConnectionState === "failed") void this.restartIce();
      else if (pc.iceConnectionState === "disconnected") {
        this.restart = setTimeout(() => void this.restartIce(), RESTART_AFTER_MS);
      }
      this.changed();
    };
    return pc;
  }
  waiting = [];
  /** What was gathered before the gateway knew the call. */
  sendEarly() {
    for (const candidate of this.waiting.splice(0)) {
      this.connection.tell({ type: "call.candidate", call: this.id, candidate });
    }
  }
  async addEarly() {
    for (const candidate of this.early.splice(0)) {
      await this.pc?.addIceCandidate(candidate).catch(() => void 0);
    }
  }
  enter(phase) {
    if (this.phase === "ended") return;
    this.phase = phase;
    this.changed();
  }
  changed() {
    this.dispatchEvent(new CustomEvent("state", { detail: this.phase }));
  }
  /** @internal The call is over. */
  finish(end) {
    if (this.phase === "ended") return;
    clearTimeout(this.restart);
    this.end = end;
    this.pc?.close();
    if (!this.options.stream) for (const track of this.local?.getTracks() ?? []) track.stop();
    this.enter("ended");
    this.phase = "ended";
    this.changed();
    this.dispatchEvent(new CustomEvent("ended", { detail: end }));
  }
};
function plain(description) {
  if (!description) throw new Error("there is no local description");
  return { type: description.type, sdp: description.sdp };
}

// src/frames.ts
var Refused = class extends Error {
  constructor(frame) {
    super(frame.message);
    this.frame = frame;
    this.name = "Refused";
  }
  frame;
  get code() {
    return this.frame.code;
  }
};

// src/connection.ts
var KEY = "crosspoint.session";
var BACKOFF_FIRST_MS = 500;
var BACKOFF_MAX_MS = 15e3;
var FINAL = { 4400: "refused", 4401: "refused", 4403: "refused", 4409: "superseded" };
var Connection = class {
  constructor(options, listener) {
    this.options = options;
    this.listener = listener;
    this.session = this.load();
  }
  options;
  listener;
  socket;
  session;
  pending = /* @__PURE__ */ new Map();
  lastId = 0;
  attempts = 0;
  retry;
  heartbeat;
  heardAt = 0;
  current = "closed";
  ackWaits = false;
  get state() {
    return this.current;
  }
  /** Connects, and goes on trying. */
  open() {
    if (this.current === "connecting" || this.current === "open") return;
    clearTimeout(this.retry);
    void this.connect();
  }
  /** Ends the session. */
  close() {
    clearTimeout(this.retry);
    this.forget();
    this.enter("closed", "");
    this.socket?.close(1e3);
    this.failAll("the connection was closed");
  }
  /** Sends a request and waits for its reply; it is sent again over a new socket if need be. */
  request(frame) {
    const id = `${Date.now().toString(36)}-${++this.lastId}`;
    const text = JSON.stringify({ ...frame, id });
    return new Promise((resolve, reject) => {
      this.pending.set(id, { text, resolve, reject });
      if (this.current === "open") this.socket?.send(text);
    });
  }
  /** Sends what has no reply. It is lost with the socket, so only for what can be. */
  tell(frame) {
    if (this.current === "open") this.socket?.send(JSON.stringify(frame));
  }
  async connect() {
    this.enter("connecting", "");
    let token;
    try {
      const given = this.options.token;
      token = typeof given === "function" ? await given() : given;
    } catch (error) {
      return this.later(`no token: ${String(error)}`);
    }
    const Socket = this.options.webSocket ?? WebSocket;
    let socket;
    try {
      socket = new Socket(this.options.url ?? defaultUrl(), "crosspoint.v1");
    } catch (error) {
      return this.later(String(error));
    }
    this.socket = socket;
    socket.onopen = () => {
      const hello = { type: "hello", capabilities: this.options.capabilities, client: "crosspoint-web/0.1.0" };
      if (token) hello.token = token;
      if (this.session) hello.resume = this.session;
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (message) => {
      if (socket === this.socket) this.receive(JSON.parse(String(message.data)));
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code, event.reason);
    };
  }
  receive(frame) {
    this.heardAt = Date.now();
    switch (frame.type) {
      case "welcome": {
        const seq = frame.resumed === true ? this.session?.seq ?? 0 : frame.next_seq - 1;
        this.session = { session: frame.session, seq };
        this.save();
        this.attempts = 0;
        this.beat(frame.heartbeat_ms);
        this.listener.welcome(frame);
        return;
      }
      case "sync":
        this.enter("open", "");
        if (this.session) this.session.seq = Math.max(this.session.seq, frame.up_to);
        this.save();
        this.listener.sync(frame);
        for (const { text } of this.pending.values()) this.socket?.send(text);
        return;
      case "result":
        this.pending.get(frame.id)?.resolve(frame);
        this.pending.delete(frame.id);
        return;
      case "error": {
        const waiting = frame.id === void 0 ? void 0 : this.pending.get(frame.id);
        if (frame.id !== void 0) this.pending.delete(frame.id);
        waiting?.reject(new Refused(frame));
        return;
      }
      case "pong":
        return;
      default:
        if (!("seq" in frame)) return;
        if (this.session && frame.seq <= this.session.seq) return;
        if (this.session) this.session.seq = frame.seq;
        this.acknowledge();
        this.listener.event(frame);
    }
  }
  /** One acknowledgement for all that arrives together. */
  acknowledge() {
    if (this.ackWaits) return;
    this.ackWaits = true;
    setTimeout(() => {
      this.ackWaits = false;
      this.save();
      if (this.session) this.tell({ type: "ack", ack: this.session.seq });
    }, 200);
  }
  beat(every) {
    clearInterval(this.heartbeat);
    this.heardAt = Date.now();
    this.heartbeat = setInterval(() => {
      if (Date.now() - this.heardAt > every * 2) {
        this.socket?.close(4e3);
        this.lost(1006, "the gateway is silent");
      } else {
        this.tell({ type: "ping" });
      }
    }, every);
  }
  lost(code, reason) {
    clearInterval(this.heartbeat);
    this.socket = void 0;
    if (this.current === "closed") return;
    const final = FINAL[code];
    if (final) {
      this.forget();
      this.failAll(reason || "the gateway closed the connection");
      return this.enter(final, reason);
    }
    this.later(reason || "the connection was lost");
  }
  later(why) {
    const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.attempts++);
    this.enter("waiting", why);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(), base / 2 + Math.random() * base / 2);
  }
  failAll(why) {
    for (const { reject } of this.pending.values()) reject(new Error(why));
    this.pending.clear();
  }
  enter(state, why) {
    this.current = state;
    this.listener.state(state, why);
  }
  load() {
    try {
      const text = this.options.storage?.getItem(KEY);
      this.options.storage?.removeItem(KEY);
      return text ? JSON.parse(text) : void 0;
    } catch {
      return void 0;
    }
  }
  save() {
  }
  /** Writes the session where the next page of this tab finds it. To be called on `pagehide`. */
  keep() {
    if (this.session) this.options.storage?.setItem(KEY, JSON.stringify(this.session));
  }
  forget() {
    this.session = void 0;
    this.options.storage?.removeItem(KEY);
  }
};
function defaultUrl() {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws`;
}

// src/client.ts
var Crosspoint = class extends EventTarget {
  /** All calls, ended ones included until {@link forget}. */
  calls = /* @__PURE__ */ new Map();
  /** How each account stands. */
  accounts = /* @__PURE__ */ new Map();
  /** Who the gateway says we are. */
  user = "";
  connection;
  iceServers = [];
  constructor(options = {}) {
    super();
    const storage = options.resume === false ? void 0 : options.storage ?? ownStorage();
    const capabilities = ["trickle", ...takesPranswer() ? ["pranswer"] : []];
    this.connection = new Connection(
      { ...options, capabilities, ...storage ? { storage } : {} },
      {
        welcome: (frame) => this.welcome(frame),
        sync: (frame) => void this.sync(frame),
        event: (frame) => this.event(frame),
        state: (state, why) => this.dispatchEvent(new CustomEvent("state", { detail: { state, why } }))
      }
    );
    if (typeof window !== "undefined") {
      window.addEventListener("pagehide", () => this.connection.keep());
      window.addEventListener("online", () => {
        this.connection.open();
        for (const call of this.calls.values()) void call.restartIce();
      });
    }
  }
  /** Whether the gateway can be reached. */
  get state() {
    return this.connection.state;
  }
  /** Connects; reconnects and resumes by itself from then on. */
  connect() {
    this.connection.open();
  }
  /** Ends the session. */
  disconnect() {
    this.connection.close();
  }
  /** Calls somebody: `sip:…`, `tel:…`, `user:…`, `join:…`, or what the dial plan knows. */
  async call(to, options = {}) {
    const call = new Call(this.connection, this.iceServers, `c-${crypto.randomUUID()}`, "outgoing", to, void 0, options);
    this.add(call);
    try {
      await call.start(to);
    } catch (error) {
      call.finish({ cause: "refused", by: "gateway", message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    return call;
  }
  /** Registers an account that the token names. */
  async addAccount(account) {
    await this.connection.request({ type: "account.add", account });
  }
  /** A new token for the running session. */
  async refreshToken(token) {
    await this.connection.request({ type: "token.refresh", token });
  }
  /** Takes an ended call out of the list. */
  forget(call) {
    if (call.state === "ended") this.calls.delete(call.id);
    this.changed();
  }
  welcome(frame) {
    this.user = frame.user;
    this.iceServers = frame.ice_servers;
    this.accounts.clear();
    for (const { account, state } of frame.accounts) this.accounts.set(account, state);
  }
  async sync(frame) {
    const known = new Set(frame.calls.map((info) => info.call));
    for (const call of this.calls.values()) {
      const lost = call.state !== "ended" && call.state !== "calling" && !known.has(call.id);
      if (lost) call.finish({ cause: "timeout", by: "gateway", message: "The call ended while the connection was lost." });
    }
    for (const info of frame.calls) {
      if (!this.calls.has(info.call)) await this.rejoin(info);
    }
  }
  /** A call of the page before the reload. */
  async rejoin(info) {
    if (info.state !== "established") {
      return;
    }
    const call = new Call(this.connection, this.iceServers, info.call, info.direction, info.peer, void 0);
    this.add(call);
    await call.rejoin(info).catch((error) => {
      call.dispatchEvent(new CustomEvent("error", { detail: error }));
    });
  }
  event(frame) {
    if (frame.type === "account.state") {
      this.accounts.set(frame.account, frame.state);
      this.dispatchEvent(new CustomEvent("account", { detail: frame }));
      return;
    }
    if (frame.type === "token.expiring") {
      this.dispatchEvent(new CustomEvent("expiring", { detail: frame.expires_in_ms }));
      return;
    }
    if (frame.type === "call.incoming" && !this.calls.has(frame.call)) {
      const { uri, display_name } = frame.from;
      const call = new Call(this.connection, this.iceServers, frame.call, "incoming", uri, display_name);
      this.add(call);
      call.receive(frame);
      this.dispatchEvent(new CustomEvent("incoming", { detail: call }));
      return;
    }
    this.calls.get(frame.call)?.receive(frame);
  }
  add(call) {
    this.calls.set(call.id, call);
    call.addEventListener("state", () => this.changed());
    this.changed();
  }
  changed() {
    this.dispatchEvent(new CustomEvent("calls"));
  }
};
function takesPranswer() {
  return typeof navigator !== "undefined" && !/firefox/i.test(navigator.userAgent);
}
function ownStorage() {
  try {
    return window.sessionStorage;
  } catch {
    return void 0;
  }
}

// src/sounds.ts
var Ringer = class {
  context;
  timer;
  /** Rings for an incoming call (`ring`) or lets the caller hear it ring there (`ringback`). */
  start(kind) {
    this.stop();
    const context = this.context ??= new AudioContext();
    void context.resume().catch(() => void 0);
    const once = () => {
      if (kind === "ring") [0, 0.35].forEach((at) => this.tone(context, [784, 988], at, 0.25, 0.12));
      else this.tone(context, [425], 0, 1, 0.05);
    };
    once();
    this.timer = setInterval(once, kind === "ring" ? 2200 : 4e3);
  }
  stop() {
    clearInterval(this.timer);
    this.timer = void 0;
  }
  /** The click of a key. */
  key(digit) {
    const rows = "123A456B789C*0#D".indexOf(digit);
    if (rows < 0) return;
    const context = this.context ??= new AudioContext();
    const low = [697, 770, 852, 941][Math.floor(rows / 4)] ?? 697;
    const high = [1209, 1336, 1477, 1633][rows % 4] ?? 1209;
    this.tone(context, [low, high], 0, 0.12, 0.05);
  }
  tone(context, frequencies, after, length, level) {
    const begin = context.currentTime + after;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(level, begin + 0.02);
    gain.gain.setValueAtTime(level, begin + length - 0.04);
    gain.gain.linearRampToValueAtTime(0, begin + length);
    gain.connect(context.destination);
    for (const frequency of frequencies) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(gain);
      oscillator.start(begin);
      oscillator.stop(begin + length);
    }
  }
};
export {
  Call,
  Crosspoint,
  Refused,
  Ringer
};
