// The browser client of crosspoint. Built from web/; see web/README.md.

// src/words.ts
var ends = {
  normal: { what: "The call has ended." },
  cancelled: { what: "The caller gave up before anybody answered." },
  answered_elsewhere: { what: "The call was answered on another device." },
  busy: { what: "The line is busy.", next: "Try again in a few minutes." },
  declined: { what: "The call was declined." },
  no_answer: { what: "Nobody answered.", next: "Try again later." },
  not_found: { what: "There is nobody at this address.", next: "Check what you dialled." },
  unavailable: { what: "Nobody can be reached there right now.", next: "Try again later." },
  unreachable: {
    what: "The other network cannot be reached.",
    next: "Try again; if it stays so, tell whoever runs the gateway."
  },
  no_common_codec: {
    what: "The two sides have no sound or picture format in common.",
    next: "Tell whoever runs the gateway: the other side needs Opus, G.711 or G.722."
  },
  not_acceptable: {
    what: "The two sides could not agree on how to send sound and pictures.",
    next: "Try again without video."
  },
  forbidden: { what: "This call is not allowed.", next: "Sign in as somebody who may make it." },
  overloaded: { what: "Too much is going on.", next: "Try again in a moment." },
  misbehaved: {
    what: "The other side broke the rules of the protocol.",
    next: "Try again; the gateway's trace of the call says what happened."
  },
  timeout: { what: "One side vanished.", next: "Check your network and call again." },
  draining: { what: "The gateway is being shut down.", next: "Try again in a minute." },
  moved: { what: "They are to be reached at another address." },
  internal: {
    what: "Something went wrong in the gateway.",
    next: "Try again; the gateway's log says what happened."
  }
};
var errors = {
  bad_frame: { what: "The gateway did not understand this page.", next: "Reload the page." },
  too_large: { what: "The request is too large for the gateway.", next: "Try without video." },
  too_deep: { what: "The gateway did not understand this page.", next: "Reload the page." },
  rate_limited: { what: "That was too much at once.", next: "Wait a moment." },
  unsupported: { what: "This gateway cannot do that." },
  not_authenticated: { what: "The gateway asks who you are.", next: "Sign in with a token." },
  forbidden: { what: "This is not allowed.", next: "Sign in as somebody who may do it." },
  token_invalid: { what: "The token is not accepted.", next: "Check it, or ask for a new one." },
  token_expired: { what: "The token has run out.", next: "Sign in with a new one." },
  superseded: {
    what: "This session goes on in another window.",
    next: "Go there, or connect here again."
  },
  unknown_call: { what: "This call is over already." },
  not_your_call: { what: "This call belongs to another of your windows." },
  conflict: { what: "That name is taken already." },
  bad_state: { what: "That cannot be done at this moment of the call." },
  bad_address: {
    what: "This is no address that can be called.",
    next: "Dial a number, a name, or user:… or join:… and a word."
  },
  not_found: { what: "There is nobody at this address.", next: "Check what you dialled." },
  bad_description: { what: "The gateway cannot use this browser's offer." },
  bad_answer: { what: "The gateway cannot use this browser's answer." },
  bad_candidate: { what: "A network address of this browser cannot be used." },
  bad_header: { what: "A header field of the call is not allowed." },
  too_many_calls: { what: "You have as many calls as you may.", next: "End one of them first." },
  too_many_candidates: { what: "This machine has too many network addresses." },
  unknown_account: { what: "You have no account of this name." },
  account_refused: { what: "The account was refused.", next: "Check its name and password." },
  overloaded: { what: "The gateway has too much to do.", next: "Try again in a moment." },
  draining: { what: "The gateway is being shut down.", next: "Try again in a minute." },
  internal: { what: "Something went wrong in the gateway.", next: "Try again." }
};
function endWords(cause2) {
  return ends[cause2] ?? ends.internal;
}
function messageWords(cause2) {
  switch (cause2) {
    case "not_found":
    case "unavailable":
    case "unreachable":
    case "overloaded":
    case "draining":
    case "moved":
    case "internal":
      return endWords(cause2);
    case "forbidden":
      return { what: "This message is not allowed.", next: "Sign in as somebody who may send it." };
    case "declined":
      return { what: "The message is not wanted." };
    case "not_acceptable":
    case "no_common_codec":
      return { what: "The other side takes no such message.", next: "Try a shorter one." };
    case "misbehaved":
    case "normal":
    case "cancelled":
    case "answered_elsewhere":
    case "busy":
    case "no_answer":
    case "timeout":
      return { what: "The message did not arrive.", next: "Try again later." };
  }
}
function errorWords(code) {
  return errors[code] ?? errors.internal;
}
function mediaWords(error) {
  switch (error?.name) {
    case "NotAllowedError":
      return {
        what: "This page may not use your microphone.",
        next: "Allow it in the browser's address bar, then try again."
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return { what: "There is no microphone or camera.", next: "Connect one, then try again." };
    case "NotReadableError":
    case "AbortError":
      return {
        what: "Another program holds the microphone or camera.",
        next: "Close that program, then try again."
      };
    case "SecurityError":
    case "TypeError":
      return {
        what: "Browsers give the microphone to safe pages only.",
        next: "Open this page over https, or on localhost."
      };
    default:
      return { what: "The microphone cannot be used.", next: "Check the browser's settings." };
  }
}

// src/call-types.ts
function local(cause2) {
  return { cause: cause2, by: "local", words: endWords(cause2), message: "" };
}

// src/details.ts
async function readDetails(pc) {
  const reports = /* @__PURE__ */ new Map();
  (await pc.getStats()).forEach((report) => reports.set(report.id, report));
  const all = [...reports.values()];
  const details = { bytesSent: 0, bytesReceived: 0, packetsLost: 0 };
  const transport = all.find(
    ({ type, selectedCandidatePairId }) => Boolean(type === "transport" && selectedCandidatePairId)
  );
  const pair = reports.get(String(transport?.selectedCandidatePairId)) ?? all.find((report) => report.type === "candidate-pair" && report.selected === true);
  const local2 = end(reports.get(String(pair?.localCandidateId)));
  const remote = end(reports.get(String(pair?.remoteCandidateId)));
  if (local2) details.local = local2;
  if (remote) details.remote = remote;
  if (typeof pair?.currentRoundTripTime === "number") {
    details.roundTripMs = Math.round(pair.currentRoundTripTime * 1e3);
  }
  if (typeof transport?.dtlsCipher === "string") details.cipher = transport.dtlsCipher;
  for (const report of all) {
    if (report.type === "outbound-rtp") {
      details.bytesSent += number(report.bytesSent);
      if (report.kind === "audio") set(details, "sending", codec(reports, report));
    } else if (report.type === "inbound-rtp") {
      details.bytesReceived += number(report.bytesReceived);
      details.packetsLost += number(report.packetsLost);
      if (report.kind === "audio") set(details, "receiving", codec(reports, report));
    }
  }
  return details;
}
function end(candidate2) {
  if (!candidate2) return void 0;
  const address = candidate2.address ?? candidate2.ip ?? "hidden";
  return {
    type: String(candidate2.candidateType),
    protocol: String(candidate2.protocol),
    address: `${address}:${candidate2.port}`
  };
}
function codec(reports, stream) {
  const used = reports.get(String(stream.codecId));
  if (!used) return void 0;
  return `${String(used.mimeType).replace(/^\w+\//, "")}/${used.clockRate}`;
}
function set(details, key, value) {
  if (value !== void 0) details[key] = value;
}
function number(value) {
  return typeof value === "number" ? value : 0;
}

// src/events.ts
var Emitter = class extends EventTarget {
  /** Calls `listener` with the `detail` of each event, and returns what ends that. */
  on(type, listener) {
    const wrapped = (event) => listener(event.detail);
    super.addEventListener(type, wrapped);
    return () => super.removeEventListener(type, wrapped);
  }
  /** @internal */
  emit(type, detail2) {
    this.dispatchEvent(new CustomEvent(type, { detail: detail2 }));
  }
};

// src/fault.ts
var Fault = class _Fault extends Error {
  name = "Fault";
  /** What is wrong, from the closed list of the protocol. */
  code;
  /** Whether the same request may work later. */
  retry;
  retryAfterMs;
  /** What the other side said, where it was asked and refused. */
  sip;
  /** What exactly is wrong with a description, a candidate, a header. */
  detail;
  /** For people: what is wrong, and what to do. */
  words;
  constructor(code, message2, frame, words, sip) {
    super(message2);
    this.code = code;
    this.words = words ?? errorWords(code);
    this.retry = frame?.retry ?? "never";
    this.retryAfterMs = frame?.retry_after_ms ?? void 0;
    this.sip = sip;
    this.detail = frame?.detail ?? void 0;
  }
  /** From a frame of the gateway. */
  static of(frame) {
    return new _Fault(frame.code, frame.message, frame);
  }
};

// src/checks.ts
var object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
var text = (value) => typeof value === "string";
var flag = (value) => typeof value === "boolean";
var none = (value) => value === null;
var whole = (most = Number.MAX_SAFE_INTEGER) => (value) => Number.isSafeInteger(value) && value >= 0 && value <= most;
function oneOf(words) {
  const check = (value) => typeof value === "string" && Object.hasOwn(words, value);
  return Object.assign(check, { words: Object.keys(words) });
}
var anyOf = (...checks) => (value) => checks.some((check) => check(value));
var list = (check) => (value) => Array.isArray(value) && value.every(check);
var optional = (check) => (value) => value === void 0 || check(value);
function misfit(value, checks) {
  return Object.entries(checks).find(([member, check]) => !check(value[member]))?.[0];
}
var members = (checks) => (value) => object(value) && misfit(value, checks) === void 0;

// src/tables.ts
var descriptionType = oneOf({
  offer: true,
  answer: true,
  pranswer: true,
  rollback: true
});
var rejectCause = oneOf({
  busy: true,
  declined: true,
  unavailable: true
});
var cause = oneOf({
  normal: true,
  cancelled: true,
  answered_elsewhere: true,
  busy: true,
  declined: true,
  no_answer: true,
  not_found: true,
  unavailable: true,
  unreachable: true,
  no_common_codec: true,
  not_acceptable: true,
  forbidden: true,
  overloaded: true,
  misbehaved: true,
  timeout: true,
  draining: true,
  moved: true,
  internal: true
});
var snapshotWord = oneOf({ snapshot: true });
var accountStanding = oneOf({
  registering: true,
  registered: true,
  failed: true,
  unregistered: true
});
var direction = oneOf({ incoming: true, outgoing: true });
var need = oneOf({ answer: true, offer: true, nothing: true });
var callState = oneOf({
  calling: true,
  ringing: true,
  early: true,
  established: true
});
var errorCode = oneOf({
  bad_frame: true,
  too_large: true,
  too_deep: true,
  rate_limited: true,
  unsupported: true,
  not_authenticated: true,
  forbidden: true,
  token_invalid: true,
  token_expired: true,
  superseded: true,
  unknown_call: true,
  not_your_call: true,
  conflict: true,
  bad_state: true,
  bad_address: true,
  not_found: true,
  bad_description: true,
  bad_answer: true,
  bad_candidate: true,
  bad_header: true,
  too_many_calls: true,
  too_many_candidates: true,
  unknown_account: true,
  account_refused: true,
  overloaded: true,
  draining: true,
  internal: true
});
var retry = oneOf({ never: true, now: true, after: true });
var rollbackCode = oneOf({
  glare: true,
  not_acceptable: true,
  withdrawn: true,
  unanswered: true
});
var endedBy = oneOf({ local: true, remote: true, gateway: true });
var resumed = anyOf(flag, snapshotWord);
var resume = members({
  seq: whole(),
  session: text
});
var description = members({
  type: descriptionType,
  sdp: optional(text)
});
var header = members({
  name: text,
  value: text
});
var candidate = members({
  candidate: optional(anyOf(text, none)),
  sdpMLineIndex: optional(anyOf(whole(65535), none)),
  sdpMid: optional(anyOf(text, none)),
  usernameFragment: optional(anyOf(text, none))
});
var accountInfo = members({
  account: text,
  state: accountStanding,
  uri: optional(anyOf(text, none))
});
var iceServer = members({
  urls: list(text),
  credential: optional(anyOf(text, none)),
  username: optional(anyOf(text, none))
});
var limits = members({
  frame_bytes: whole(),
  calls: whole(),
  candidates: whole(),
  frames_per_second: whole(),
  text_bytes: whole()
});
var grace = members({
  ringing_ms: whole(),
  answered_ms: whole()
});
var callInfo = members({
  call: text,
  state: callState,
  direction,
  need: optional(anyOf(need, none)),
  peer: optional(anyOf(text, none))
});
var detail = members({
  code: text,
  ours: optional(list(text)),
  theirs: optional(list(text))
});
var sipStatus = members({
  status: whole(65535),
  reason: text
});
var caller = members({
  uri: text,
  display_name: optional(anyOf(text, none))
});
var mediaInfo = members({
  kind: text,
  held_here: flag,
  held_there: flag,
  sending: flag,
  receiving: flag,
  mid: optional(anyOf(text, none))
});
var clientTable = {
  hello: {
    capabilities: optional(list(text)),
    client: optional(anyOf(text, none)),
    resume: optional(anyOf(resume, none)),
    token: optional(anyOf(text, none)),
    ack: optional(whole())
  },
  "token.refresh": {
    id: text,
    token: text,
    ack: optional(whole())
  },
  ack: {
    ack: whole()
  },
  ping: {
    id: optional(anyOf(text, none)),
    ack: optional(whole())
  },
  "account.add": {
    id: text,
    account: text,
    display_name: optional(anyOf(text, none)),
    password: optional(anyOf(text, none)),
    uri: optional(anyOf(text, none)),
    user: optional(anyOf(text, none)),
    ack: optional(whole())
  },
  "account.remove": {
    id: text,
    account: text,
    ack: optional(whole())
  },
  "call.create": {
    id: text,
    call: text,
    to: text,
    account: optional(anyOf(text, none)),
    description: optional(anyOf(description, none)),
    display_name: optional(anyOf(text, none)),
    headers: optional(list(header)),
    ack: optional(whole())
  },
  "call.ring": {
    id: text,
    call: text,
    ack: optional(whole())
  },
  "call.progress": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "call.accept": {
    id: text,
    call: text,
    description: optional(anyOf(description, none)),
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "call.reject": {
    id: text,
    call: text,
    cause: optional(rejectCause),
    ack: optional(whole())
  },
  "call.end": {
    id: text,
    call: text,
    cause: optional(cause),
    ack: optional(whole())
  },
  "call.description": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "call.candidate": {
    id: optional(anyOf(text, none)),
    call: text,
    candidate: optional(anyOf(candidate, none)),
    ack: optional(whole())
  },
  "call.hold": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "call.resume": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "call.dtmf": {
    id: text,
    call: text,
    digits: text,
    duration_ms: optional(anyOf(whole(), none)),
    ack: optional(whole())
  },
  "message.send": {
    id: text,
    to: text,
    text,
    account: optional(anyOf(text, none)),
    ack: optional(whole())
  }
};
var replyTable = {
  welcome: {
    session: text,
    resumed,
    next_seq: whole(),
    user: text,
    accounts: list(accountInfo),
    ice_servers: list(iceServer),
    limits,
    grace,
    heartbeat_ms: whole(),
    gateway: text,
    expires_in_ms: optional(anyOf(whole(), none))
  },
  sync: {
    up_to: whole(),
    calls: list(callInfo)
  },
  result: {
    id: text,
    call: optional(anyOf(text, none))
  },
  error: {
    id: optional(anyOf(text, none)),
    call: optional(anyOf(text, none)),
    code: errorCode,
    retry,
    message: text,
    detail: optional(anyOf(detail, none)),
    retry_after_ms: optional(anyOf(whole(), none))
  },
  pong: {
    id: optional(anyOf(text, none))
  }
};
var eventTable = {
  "account.state": {
    seq: whole(),
    account: text,
    state: accountStanding,
    cause: optional(anyOf(text, none)),
    retry_in_ms: optional(anyOf(whole(), none)),
    sip: optional(anyOf(sipStatus, none))
  },
  "token.expiring": {
    seq: whole(),
    expires_in_ms: whole()
  },
  "ice.servers": {
    seq: whole(),
    ice_servers: list(iceServer)
  },
  "call.incoming": {
    seq: whole(),
    call: text,
    from: caller,
    to: text,
    need,
    account: optional(anyOf(text, none)),
    description: optional(anyOf(description, none)),
    headers: optional(list(header)),
    negotiation: optional(anyOf(whole(), none))
  },
  "call.ringing": {
    seq: whole(),
    call: text
  },
  "call.progress": {
    seq: whole(),
    call: text,
    description,
    dialog: whole(65535),
    negotiation: whole()
  },
  "call.accepted": {
    seq: whole(),
    call: text,
    description: optional(anyOf(description, none)),
    negotiation: optional(anyOf(whole(), none))
  },
  "call.description": {
    seq: whole(),
    call: text,
    description,
    code: optional(anyOf(rollbackCode, none)),
    negotiation: optional(anyOf(whole(), none)),
    sip: optional(anyOf(sipStatus, none))
  },
  "call.offer_requested": {
    seq: whole(),
    call: text
  },
  "call.candidate": {
    seq: whole(),
    call: text,
    candidate
  },
  "call.media": {
    seq: whole(),
    call: text,
    media: list(mediaInfo)
  },
  "call.dtmf": {
    seq: whole(),
    call: text,
    digit: text,
    duration_ms: whole()
  },
  "call.ended": {
    seq: whole(),
    call: text,
    cause,
    by: endedBy,
    message: text,
    detail: optional(anyOf(text, none)),
    sip: optional(anyOf(sipStatus, none))
  },
  "message.incoming": {
    seq: whole(),
    from: caller,
    to: text,
    text,
    account: optional(anyOf(text, none))
  },
  "message.delivered": {
    seq: whole(),
    id: text
  },
  "message.failed": {
    seq: whole(),
    id: text,
    cause,
    message: text,
    detail: optional(anyOf(text, none)),
    sip: optional(anyOf(sipStatus, none))
  }
};

// src/shapes.ts
function isCause(code) {
  return cause(code);
}
var BadFrame = class extends Error {
};
function isEvent(frame) {
  return Object.hasOwn(eventTable, frame.type);
}
function readServerFrame(json) {
  return read(json, { ...replyTable, ...eventTable });
}
function read(json, table) {
  let frame;
  try {
    frame = JSON.parse(json);
  } catch {
    throw new BadFrame("expected one JSON object");
  }
  if (!object(frame) || typeof frame.type !== "string") {
    throw new BadFrame("expected an object with a type");
  }
  const checks = Object.hasOwn(table, frame.type) ? table[frame.type] : void 0;
  if (!checks) return void 0;
  const member = misfit(frame, checks) ?? (isDescribed(frame) ? void 0 : "description");
  if (member !== void 0) {
    throw new BadFrame(`${frame.type}: the member ${member} is missing or not as expected`);
  }
  return frame;
}
function isDescribed({ description: description2 }) {
  if (!object(description2)) return true;
  return description2.type === "rollback" || description2.sdp !== void 0;
}

// src/media.ts
async function openMedia(wish, environment) {
  if (wish.stream) return wish.stream.getTracks().map((track) => track.clone());
  const audio = wish.audio ?? true;
  const video = wish.video ?? false;
  if (audio === false && video === false) return [];
  const stream = await environment.userMedia({ audio, video });
  return stream.getTracks();
}
async function reopenMedia(video, environment) {
  try {
    return await openMedia({ video: video ?? false }, environment);
  } catch {
    return [];
  }
}
function offers(sdp, kind) {
  return new RegExp(`^m=${kind} [1-9]`, "m").test(sdp ?? "") || // A port of 0 with bundle-only is in use as well (RFC 9143 §6).
  new RegExp(`^m=${kind} 0 (?:(?!^m=)[^])*^a=bundle-only`, "m").test(sdp ?? "");
}
function takesTelephoneEvents(sdp) {
  const audio = /^m=audio [^]*?(?=^m=|(?![^]))/m.exec(sdp ?? "")?.[0] ?? "";
  return /^a=rtpmap:\d+ telephone-event\//im.test(audio);
}
function slotsOf(pc) {
  const sections = (pc.localDescription?.sdp ?? "").split(/^(?=m=)/m).slice(1);
  return sections.map((section) => {
    const kind = /^m=(\w+)/.exec(section)?.[1] ?? "audio";
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const own = pc.getTransceivers().find((transceiver) => transceiver.mid === mid);
    return { kind, direction: own?.direction === void 0 ? "inactive" : own.direction };
  });
}
function fillSlots(pc, slots, tracks, held) {
  const left = [...tracks];
  const wanted = slots.length > 0 ? slots : [{ kind: "audio", direction: "sendrecv" }];
  for (const slot of wanted) {
    if (slot.kind !== "audio" && slot.kind !== "video") continue;
    const used = slot.direction !== "inactive" && slot.direction !== "stopped";
    const at = used ? left.findIndex((track2) => track2.kind === slot.kind) : -1;
    const [track] = at < 0 ? [] : left.splice(at, 1);
    if (track) {
      pc.addTransceiver(track, { direction: held ? "sendonly" : "sendrecv" });
    } else {
      pc.addTransceiver(slot.kind, { direction: used && !held ? "recvonly" : "inactive" });
    }
  }
  for (const track of left) pc.addTransceiver(track, { direction: held ? "sendonly" : "sendrecv" });
}
var pranswer;
function takesPranswer(environment) {
  pranswer ??= tryPranswer(environment);
  return pranswer;
}
async function tryPranswer(environment) {
  let caller2;
  let callee;
  try {
    caller2 = environment.newPeerConnection({});
    callee = environment.newPeerConnection({});
    caller2.addTransceiver("audio", { direction: "recvonly" });
    await caller2.setLocalDescription(await caller2.createOffer());
    await callee.setRemoteDescription(caller2.localDescription);
    const { sdp = "" } = await callee.createAnswer();
    await caller2.setRemoteDescription({ type: "pranswer", sdp });
    return caller2.signalingState === "have-remote-pranswer";
  } catch {
    return false;
  } finally {
    caller2?.close();
    callee?.close();
  }
}

// src/negotiation.ts
var REFUSED_MS = 1e3;
var REFUSALS_MAX = 3;
var CANDIDATES_MAX = 256;
var Negotiation = class {
  pc;
  #wire;
  #environment;
  #next;
  #need;
  #offered;
  #early;
  #allowed = false;
  #closed = false;
  #chain = Promise.resolve();
  #candidates = [];
  #pause;
  #refusals = 0;
  constructor(pc, wire, environment, next = 1) {
    this.pc = pc;
    this.#wire = wire;
    this.#environment = environment;
    this.#next = next;
    pc.onicecandidate = ({ candidate: candidate2 }) => {
      if (candidate2 && candidate2.candidate === "") return;
      wire.candidate(candidate2 ? candidate2.toJSON() : null);
    };
    pc.onnegotiationneeded = () => {
      if (!this.#allowed || this.#offered) return;
      if (!this.#refusals) return void this.need("call.description").catch(() => {
      });
      if (this.#refusals >= REFUSALS_MAX) return;
      this.#merge({ purpose: "call.description", restart: false, first: false, waiting: [] });
      this.#later(REFUSED_MS * 2 ** (this.#refusals - 1));
    };
  }
  /** The number of the next offer. */
  get next() {
    return this.#next;
  }
  /** Makes the first offer, which goes out with `call.create` or `call.accept`. */
  offer() {
    return this.#run(async () => {
      await this.pc.setLocalDescription();
      const negotiation = this.#next++;
      const need2 = { purpose: "call.description", restart: false, first: true, waiting: [] };
      this.#offered = { number: negotiation, need: need2 };
      return { description: this.#local(), negotiation };
    });
  }
  /** Answers the first offer of theirs; the answer goes out with `call.accept`. */
  answer(offer) {
    return this.#run(async () => {
      await this.pc.setRemoteDescription(offer);
      await this.#addWaiting();
      await this.pc.setLocalDescription();
      return this.#local();
    });
  }
  /** From now on offers may be made: the call is answered. */
  allow() {
    this.#allowed = true;
    this.#negotiate();
  }
  /** Asks for a new offer. Resolves when it is answered, rejects when it is refused. */
  need(purpose, restart = false) {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Fault("bad_state", "the call is over"));
      this.#merge({ purpose, restart, first: false, waiting: [{ resolve, reject }] });
      this.#negotiate();
    });
  }
  /** A description of theirs, of any type. */
  remote(description2, negotiation, why = {}) {
    return this.#run(() => {
      switch (description2.type) {
        case "offer":
          return this.#takeOffer(description2, negotiation);
        case "answer":
        case "pranswer":
          return this.#takeAnswer(description2, negotiation);
        case "rollback":
          return this.#takeRollback(negotiation, why);
      }
    });
  }
  /** The call is answered, and the answer came before: an early one becomes the last. */
  settle() {
    return this.#run(async () => {
      if (this.pc.signalingState !== "have-remote-pranswer" || !this.#early) return;
      await this.#takeAnswer({ type: "answer", sdp: this.#early }, void 0);
    });
  }
  /** A candidate of theirs. */
  candidate(candidate2) {
    return this.#run(async () => {
      if (!await this.#add(candidate2) && this.#candidates.length < CANDIDATES_MAX) {
        this.#candidates.push(candidate2);
      }
    });
  }
  close() {
    this.#closed = true;
    this.#environment.clearTimeout(this.#pause);
    this.pc.onicecandidate = this.pc.onnegotiationneeded = null;
    this.pc.close();
    const over = new Fault("bad_state", "the call is over");
    for (const need2 of [this.#need, this.#offered?.need]) {
      for (const { reject } of need2?.waiting ?? []) reject(over);
    }
    this.#need = this.#offered = void 0;
  }
  // --- ours ---
  #negotiate() {
    void this.#run(async () => {
      const need2 = this.#need;
      if (!need2 || !this.#allowed || this.#offered || this.pc.signalingState !== "stable") return;
      this.#environment.clearTimeout(this.#pause);
      this.#need = void 0;
      if (need2.restart) this.pc.restartIce();
      const number2 = this.#next++;
      this.#offered = { number: number2, need: need2 };
      await this.pc.setLocalDescription();
      void this.#wire.describe(need2.purpose, this.#local(), number2).catch((fault) => this.#run(() => this.#giveUp(number2, fault)));
    }).catch((error) => this.#drop(error));
  }
  /** The browser itself cannot make the offer. */
  #drop(error) {
    const fault = new Fault("bad_description", String(error));
    for (const { reject } of this.#offered?.need.waiting ?? []) reject(fault);
    this.#offered = void 0;
    this.#wire.fault(fault);
  }
  async #giveUp(number2, fault) {
    const offered = this.#offered;
    if (!offered || offered.number !== number2) return;
    this.#offered = void 0;
    this.#refusals += 1;
    if (this.pc.signalingState === "have-local-offer") {
      await this.pc.setLocalDescription({ type: "rollback" });
    }
    for (const { reject } of offered.need.waiting) reject(fault);
    this.#wire.fault(fault);
    this.#wire.settled();
    this.#negotiate();
  }
  #merge(need2) {
    const old = this.#need;
    if (!old) {
      this.#need = need2;
      return;
    }
    if (need2.purpose !== "call.description") old.purpose = need2.purpose;
    old.restart ||= need2.restart;
    old.waiting.push(...need2.waiting);
  }
  // --- theirs ---
  async #takeOffer(offer, negotiation) {
    const offered = this.#offered;
    if (offered) {
      this.#offered = void 0;
      this.#again(offered.need);
    }
    try {
      const before = ufragOf(this.pc.currentLocalDescription);
      await this.pc.setRemoteDescription(offer);
      await this.#addWaiting();
      await this.pc.setLocalDescription();
      if (ufragOf(this.pc.localDescription) !== before) this.#restarted();
    } catch (error) {
      if (this.pc.signalingState === "have-remote-offer") {
        await this.pc.setRemoteDescription({ type: "rollback" });
      }
      this.#wire.fault(new Fault("bad_description", `the browser refuses an offer: ${error}`));
      await this.#say({ type: "rollback" }, negotiation);
      return;
    }
    await this.#say(this.#local(), negotiation);
    this.#wire.settled();
    this.#negotiate();
  }
  /** Theirs has restarted ICE: what ours was to do is done. */
  #restarted() {
    const need2 = this.#need;
    if (!need2?.restart) return;
    need2.restart = false;
    if (need2.purpose !== "call.description") return;
    this.#need = void 0;
    for (const { resolve } of need2.waiting) resolve();
  }
  async #takeAnswer(answer, negotiation) {
    const offered = this.#offered;
    const stale = negotiation !== void 0 && offered?.number !== negotiation;
    if (!offered || stale || this.pc.signalingState === "stable") return;
    try {
      await this.pc.setRemoteDescription(answer);
    } catch (error) {
      if (!this.#allowed || !this.pc.currentRemoteDescription) throw error;
      const fault = new Fault("bad_answer", `the browser refuses an answer: ${error}`);
      return this.#giveUp(offered.number, fault);
    }
    await this.#addWaiting();
    if (answer.type === "pranswer") {
      this.#early = answer.sdp;
      this.#wire.settled();
      return;
    }
    this.#offered = this.#early = void 0;
    this.#refusals = 0;
    for (const { resolve } of offered.need.waiting) resolve();
    this.#wire.settled();
    this.#negotiate();
  }
  async #takeRollback(negotiation, { code, sip }) {
    const offered = this.#offered;
    if (!offered || negotiation !== void 0 && offered.number !== negotiation) return;
    this.#offered = this.#early = void 0;
    const crossed = !code || code === "glare";
    if (!crossed) this.#refusals += 1;
    if (this.pc.signalingState !== "stable") {
      await this.pc.setLocalDescription({ type: "rollback" });
    }
    if (crossed) {
      this.#again(offered.need);
      return this.#later(500 + this.#environment.random() * 2e3);
    }
    const said = sip ? `${code} (${sip.status} ${sip.reason})` : code;
    const message2 = `the other side refused the change: ${said}`;
    const fault = new Fault("bad_description", message2, void 0, void 0, sip ?? void 0);
    for (const { reject } of offered.need.waiting) reject(fault);
    this.#wire.fault(fault);
    this.#wire.settled();
  }
  #later(pauseMs) {
    this.#environment.clearTimeout(this.#pause);
    this.#pause = this.#environment.setTimeout(() => this.#negotiate(), pauseMs);
  }
  #again(need2) {
    if (!need2.first) this.#merge(need2);
  }
  async #say(description2, negotiation) {
    const reply = this.#wire.describe("call.description", description2, negotiation ?? 1);
    reply.catch((fault) => this.#wire.fault(fault));
  }
  // --- candidates ---
  /** Whether it is done with: added, or refused for good. */
  async #add(candidate2) {
    const remote = this.pc.remoteDescription;
    if (!remote) return false;
    const generation = candidate2.usernameFragment;
    if (generation && !remote.sdp.includes(`a=ice-ufrag:${generation}`)) return false;
    try {
      await this.pc.addIceCandidate({ ...candidate2, candidate: candidate2.candidate ?? "" });
    } catch {
    }
    return true;
  }
  async #addWaiting() {
    const waiting = this.#candidates;
    this.#candidates = [];
    for (const candidate2 of waiting) {
      if (!await this.#add(candidate2)) this.#candidates.push(candidate2);
    }
  }
  #local() {
    const { type, sdp } = this.pc.localDescription;
    return { type, sdp };
  }
  /** One after the other; what comes after the end is not done. */
  #run(work) {
    const run = this.#chain.then(() => {
      if (this.#closed) throw new Fault("bad_state", "the call is over");
      return work();
    });
    this.#chain = run.catch(() => {
    });
    return run;
  }
};
function ufragOf(description2) {
  return description2?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1];
}

// src/path.ts
var DOUBT_MS = 3e3;
var RETRY_MS = 2e3;
var RETRY_MAX_MS = 3e4;
var SETTLE_MS = 400;
var Path = class {
  #pc;
  #environment;
  #restart;
  #changed;
  #timer;
  #tries = 0;
  #network;
  #onNetwork = () => {
    const type = this.#environment.network?.type;
    if (type === this.#network) return;
    this.#network = type;
    if (type !== "none") this.#move();
  };
  #onOnline = () => this.#move();
  constructor(pc, environment, restart, changed) {
    this.#pc = pc;
    this.#environment = environment;
    this.#restart = restart;
    this.#changed = changed;
    this.#network = environment.network?.type;
    pc.oniceconnectionstatechange = () => this.#look();
    environment.window?.addEventListener("online", this.#onOnline);
    environment.network?.addEventListener("change", this.#onNetwork);
  }
  get state() {
    switch (this.#pc.iceConnectionState) {
      case "new":
      case "closed":
        return "new";
      case "checking":
        return "connecting";
      case "connected":
      case "completed":
        return "connected";
      case "disconnected":
        return "interrupted";
      case "failed":
        return "failed";
    }
  }
  close() {
    this.#environment.clearTimeout(this.#timer);
    this.#pc.oniceconnectionstatechange = null;
    this.#environment.window?.removeEventListener("online", this.#onOnline);
    this.#environment.network?.removeEventListener("change", this.#onNetwork);
  }
  #look() {
    switch (this.state) {
      case "connected":
        this.#environment.clearTimeout(this.#timer);
        this.#timer = void 0;
        this.#tries = 0;
        break;
      case "interrupted":
        this.#later(DOUBT_MS);
        break;
      case "failed":
        this.#later(this.#tries === 0 ? 0 : this.#pause());
        break;
      case "new":
      case "connecting":
        break;
    }
    this.#changed();
  }
  /** The network is another one: the old way is dead, even if nobody has noticed yet. */
  #move() {
    if (this.state === "new") return;
    this.#environment.clearTimeout(this.#timer);
    this.#timer = void 0;
    this.#tries = 0;
    this.#later(SETTLE_MS);
  }
  #later(ms) {
    if (this.#timer !== void 0) return;
    this.#timer = this.#environment.setTimeout(() => {
      this.#timer = void 0;
      this.#tries += 1;
      this.#restart();
      this.#timer = this.#environment.setTimeout(() => {
        this.#timer = void 0;
        if (this.state === "interrupted" || this.state === "failed") this.#later(0);
      }, this.#pause());
    }, ms);
  }
  #pause() {
    return Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.max(0, this.#tries - 1));
  }
};

// src/leg.ts
var Leg = class {
  pc;
  negotiation;
  path;
  #environment;
  #remote;
  #tracks;
  #arriving = [];
  #held = false;
  #muted = false;
  #closed = false;
  /** The tracks belong to the leg from now on. `remote` gets what arrives. */
  constructor(environment, configuration, tracks, remote, hooks, nextOffer = 1) {
    this.#environment = environment;
    this.#tracks = tracks;
    this.#remote = remote;
    this.pc = environment.newPeerConnection(configuration);
    const settled = () => {
      this.#dropDeadTracks();
      hooks.changed(this.#areOthers());
    };
    this.negotiation = new Negotiation(this.pc, { ...hooks, settled }, environment, nextOffer);
    this.path = new Path(
      this.pc,
      environment,
      () => void this.negotiation.need("call.description", true).catch(() => {
      }),
      () => hooks.path(this.path.state)
    );
    this.pc.ontrack = ({ track }) => {
      if (!remote.getTracks().includes(track)) remote.addTrack(track);
      hooks.changed(this.#areOthers());
    };
  }
  /** The tracks that are sent. */
  get tracks() {
    return this.#tracks;
  }
  get closed() {
    return this.#closed;
  }
  get sendsVideo() {
    return this.#tracks.some(({ kind, readyState }) => kind === "video" && readyState === "live");
  }
  get receivesVideo() {
    return this.pc.getTransceivers().some(
      ({ receiver, currentDirection }) => receiver.track.kind === "video" && (currentDirection === "sendrecv" || currentDirection === "recvonly")
    );
  }
  /** The sections for a first offer or answer. Where nothing is sent, sound is received. */
  addTracks(offering) {
    for (const track of this.#tracks) {
      this.pc.addTrack(track, this.#environment.newStream([track]));
    }
    if (offering && this.#tracks.length === 0) {
      this.pc.addTransceiver("audio", { direction: "recvonly" });
    }
    this.#openTracks();
  }
  /** What the acceptance of a call brings. */
  async acceptance({ need: need2, description: description2, negotiation }) {
    switch (need2) {
      case "offer":
        return this.negotiation.offer();
      case "answer": {
        const answer = await this.negotiation.answer(description2 ?? { type: "offer" });
        return { description: answer, negotiation: negotiation ?? 1 };
      }
      case "nothing":
        return {};
    }
  }
  /** The sections of the leg that this one replaces. */
  refill(slots, held) {
    this.#held = held;
    fillSlots(this.pc, slots, this.#tracks, held);
    this.#openTracks();
  }
  slots() {
    return slotsOf(this.pc);
  }
  mute(muted) {
    this.#muted = muted;
    this.#openTracks();
  }
  /** Holds or resumes; where that is refused, everything is as before. */
  async hold(held) {
    const before = this.pc.getTransceivers().map(({ direction: direction2 }) => direction2);
    this.#held = held;
    for (const transceiver of this.pc.getTransceivers()) {
      const direction2 = turned(transceiver, held);
      if (direction2) transceiver.direction = direction2;
    }
    this.#openTracks();
    try {
      await this.negotiation.need(held ? "call.hold" : "call.resume");
    } catch (error) {
      if (this.#closed) throw error;
      this.#held = !held;
      this.pc.getTransceivers().forEach((transceiver, at) => {
        const direction2 = before[at];
        if (direction2 && transceiver.direction !== "stopped") transceiver.direction = direction2;
      });
      this.#openTracks();
      throw error;
    }
  }
  /** Presses keys as RTP events (RFC 4733). False where the other side takes none. */
  press(keys2, durationMs) {
    const senders = this.pc.getSenders();
    const sender = senders.find(({ dtmf, track }) => track?.kind === "audio" && dtmf)?.dtmf;
    if (!sender?.canInsertDTMF) return false;
    if (!takesTelephoneEvents(this.pc.remoteDescription?.sdp)) return false;
    sender.insertDTMF(sender.toneBuffer + keys2, durationMs, 70);
    return true;
  }
  /** Sends this camera. */
  async addVideo(track) {
    const free = this.pc.getTransceivers().find(
      ({ receiver, sender, direction: direction2 }) => receiver.track.kind === "video" && !sender.track && direction2 !== "stopped"
    );
    if (free) {
      await free.sender.replaceTrack(track);
      free.direction = this.#held ? "sendonly" : "sendrecv";
    } else {
      this.pc.addTrack(track, this.#environment.newStream([track]));
    }
    if (this.#closed) stopTracks([track]);
    else this.#tracks.push(track);
    this.#openTracks();
    await this.negotiation.need("call.description");
    if (this.#tracks.includes(track) || this.#closed) return;
    const words = { what: "The other side takes no video." };
    throw new Fault("unsupported", "the answer has no video", void 0, words);
  }
  /** Sends no camera any more; what is received stays. */
  async removeVideo() {
    const gone = this.#tracks.filter(({ kind }) => kind === "video");
    if (gone.length === 0) return;
    this.#tracks = this.#tracks.filter(({ kind }) => kind !== "video");
    for (const transceiver of this.pc.getTransceivers()) {
      if (!transceiver.sender.track || !gone.includes(transceiver.sender.track)) continue;
      const receives = transceiver.currentDirection === "sendrecv" && !this.#held;
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = receives ? "recvonly" : "inactive";
    }
    stopTracks(gone);
    await this.negotiation.need("call.description");
  }
  /** Sends this track in place of the one of its kind. */
  async replaceTrack(track) {
    const sender = this.pc.getSenders().find((sender2) => sender2.track?.kind === track.kind);
    if (!sender) throw new Fault("bad_state", `no ${track.kind} is sent`);
    const old = this.#tracks.filter((other) => other === sender.track);
    await sender.replaceTrack(track);
    this.#tracks = [...this.#tracks.filter((other) => !old.includes(other)), track];
    stopTracks(old);
    this.#openTracks();
  }
  close() {
    this.#closed = true;
    this.path.close();
    this.pc.ontrack = null;
    this.negotiation.close();
    stopTracks(this.#tracks);
    this.#tracks = [];
    for (const track of this.#remote.getTracks()) this.#remote.removeTrack(track);
  }
  #openTracks() {
    for (const track of this.#tracks) {
      track.enabled = !this.#held && !(track.kind === "audio" && this.#muted);
    }
  }
  /** Whether other tracks arrive than when this was asked last. */
  #areOthers() {
    const before = this.#arriving;
    this.#arriving = this.#remote.getTracks();
    return before.length !== this.#arriving.length || before.some((track) => !this.#arriving.includes(track));
  }
  #dropDeadTracks() {
    const sent = this.pc.getTransceivers().filter(
      ({ direction: direction2, currentDirection }) => direction2 !== "stopped" && currentDirection !== "stopped"
    ).map(({ sender }) => sender.track);
    const refused = this.#tracks.filter((track) => !sent.includes(track));
    stopTracks(refused);
    this.#tracks = this.#tracks.filter((track) => !refused.includes(track));
    const alive = this.pc.getReceivers().map(({ track }) => track);
    for (const track of this.#remote.getTracks()) {
      if (!alive.includes(track) || track.readyState === "ended") this.#remote.removeTrack(track);
    }
  }
};
function stopTracks(tracks) {
  for (const track of tracks) track.stop();
}
function turned({ direction: direction2, sender }, held) {
  if (direction2 === "stopped") return void 0;
  if (held) {
    if (direction2 === "sendrecv") return "sendonly";
    return direction2 === "recvonly" ? "inactive" : void 0;
  }
  if (direction2 === "sendonly") return "sendrecv";
  return direction2 === "inactive" ? sender.track ? "sendrecv" : "recvonly" : void 0;
}

// src/call.ts
var Call = class extends Emitter {
  id;
  direction;
  /** The address of the other side. */
  peer;
  /** The name to show, where there is one. */
  peerName;
  /** What the other side sends. The same object for the life of the call. */
  remoteStream;
  #host;
  #state;
  #leg;
  #invitation;
  #offer;
  #waiting = [];
  #orphan = false;
  #placed = false;
  #held = false;
  #muted = false;
  #media = [];
  #since;
  #end;
  /** @internal Calls are made by `Crosspoint`. */
  constructor(host, of) {
    super();
    this.#host = host;
    this.id = of.id;
    this.direction = of.direction;
    this.peer = of.peer;
    this.peerName = of.peerName;
    this.#state = of.state;
    this.remoteStream = host.environment.newStream();
  }
  // --- what a page shows ---
  get state() {
    return this.#state;
  }
  /** When it was answered, in ms since 1970. */
  get since() {
    return this.#since;
  }
  /** Who holds: this side, the other side. */
  get held() {
    const audio = this.#media.filter(({ kind }) => kind === "audio");
    return { here: this.#held, there: audio.length > 0 && audio.every((m) => m.held_there) };
  }
  get muted() {
    return this.#muted;
  }
  /** What the gateway says that flows, per section. */
  get media() {
    return this.#media;
  }
  /** How the way of sound and pictures stands. */
  get path() {
    return this.#leg?.path.state ?? "new";
  }
  /** How it ended, once it has. */
  get ending() {
    return this.#end;
  }
  /** Whether the caller offers video. */
  get offersVideo() {
    return offers(this.#invitation?.description?.sdp, "video");
  }
  /** Whether the camera is sent. */
  get sendsVideo() {
    return this.#leg?.sendsVideo ?? false;
  }
  /** Whether pictures of the other side arrive. */
  get receivesVideo() {
    return this.#leg?.receivesVideo ?? false;
  }
  /** The tracks that this side sends. */
  get localTracks() {
    return this.#leg?.tracks ?? [];
  }
  /** The connection itself, for whoever wants more than this class gives. */
  get peerConnection() {
    return this.#leg?.pc;
  }
  /** Resolves when the call is answered; rejects with the {@link CallEnd} when it ends before. */
  established() {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#state === "established") resolve();
        else if (this.#end) reject(this.#end);
        else return;
        stop();
      };
      const stop = this.on("state", look);
      look();
    });
  }
  // --- what a person does ---
  /** Takes an incoming call. Rejects where the microphone cannot be had; the call rings on. */
  async accept(wish = {}) {
    const invitation = this.#invitation;
    if (this.#state !== "incoming" || !invitation) throw misplaced("there is no call to answer");
    this.#set("answering");
    let tracks;
    try {
      tracks = await openMedia(wish, this.#host.environment);
    } catch (error) {
      if (!this.#is("ended")) this.#set("incoming");
      throw error;
    }
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#begin(tracks, invitation.need === "offer");
    try {
      const described = await leg.acceptance(invitation);
      this.#keepSlots();
      await this.#host.request({ type: "call.accept", call: this.id, ...described });
    } catch (error) {
      if (this.#is("ended")) return;
      if (!(error instanceof Fault)) {
        this.#tell({ type: "call.reject", call: this.id, cause: "unavailable" });
        this.#finish({ ...local("not_acceptable"), message: String(error) });
        return;
      }
      this.#fail(error);
    }
  }
  /** Turns an incoming call away. */
  reject(cause2 = "declined") {
    if (this.#state !== "incoming" && this.#state !== "answering") return;
    this.#tell({ type: "call.reject", call: this.id, cause: cause2 });
    this.#finish(local(cause2));
  }
  /** Ends the call, whatever it is doing. */
  end() {
    switch (this.#state) {
      case "ended":
        return;
      case "incoming":
        return this.reject();
      case "preparing":
        return this.#finish(local("cancelled"));
      case "calling":
      case "ringing":
      case "early":
        this.#tell({ type: "call.end", call: this.id });
        return this.#finish(local("cancelled"));
      case "answering":
      case "established":
        this.#tell({ type: "call.end", call: this.id });
        return this.#finish(local("normal"));
    }
  }
  /** Puts the other side on hold: nothing is sent, nothing is heard. */
  async hold() {
    await this.#setHeld(true);
  }
  /** Takes the other side back from hold. */
  async resume() {
    await this.#setHeld(false);
  }
  /** Mutes the microphone, or opens it again. The other side gets silence. */
  mute(muted = true) {
    this.#muted = muted;
    this.#host.keep(this.id, { muted });
    this.#leg?.mute(muted);
    this.emit("media", this.#media);
  }
  /**
   * Presses keys: `0`–`9`, `*`, `#`, `A`–`D`. As RTP events where the other side takes them, else
   * through the gateway (SIP INFO).
   */
  async dtmf(digits, durationMs = 160) {
    const keys2 = digits.toUpperCase();
    if (!/^[0-9A-D*#]{1,32}$/.test(keys2)) {
      throw new Fault("bad_frame", "keys are 0 to 9, *, #, and A to D");
    }
    if (this.#state !== "established" && this.#state !== "early") {
      throw misplaced("keys can be pressed in a call only");
    }
    const duration = Math.min(6e3, Math.max(40, durationMs));
    if (this.#leg?.press(keys2, duration)) return;
    await this.#host.request({
      type: "call.dtmf",
      call: this.id,
      digits: keys2,
      duration_ms: duration
    });
  }
  /** Looks for a new way for sound and pictures. */
  async restartIce() {
    await this.#established().negotiation.need("call.description", true);
  }
  /** Sends the camera. */
  async addVideo(wish = {}) {
    const leg = this.#established();
    if (leg.sendsVideo) return;
    const opened = await openMedia(
      wish.stream ? { stream: wish.stream } : { audio: false, video: wish.video ?? true },
      this.#host.environment
    );
    const track = opened.find(({ kind }) => kind === "video");
    stopTracks(opened.filter((other) => other !== track));
    if (!track) throw new DOMException("no camera", "NotFoundError");
    if (leg.closed) return stopTracks([track]);
    await leg.addVideo(track);
  }
  /** Sends the camera no more. Pictures of the other side, where there are any, go on. */
  async removeVideo() {
    await this.#established().removeVideo();
  }
  /** Sends (a copy of) another track of the same kind in place of the one that is sent. */
  async replaceTrack(track) {
    await this.#established().replaceTrack(track.clone());
  }
  /** Codec, selected pair, round trip, bytes. */
  async details() {
    return this.#leg && readDetails(this.#leg.pc);
  }
  // --- what the client does ---
  /** @internal Opens the microphone and calls. */
  async start(to, options) {
    let tracks;
    try {
      tracks = await openMedia(options, this.#host.environment);
    } catch (error) {
      const words = mediaWords(error);
      return this.#finish({ cause: "media", by: "local", words, message: String(error) });
    }
    if (this.#is("ended")) return stopTracks(tracks);
    try {
      const leg = this.#open(tracks);
      leg.addTracks(true);
      const { description: description2 } = await leg.negotiation.offer();
      this.#set("calling");
      this.#keepSlots();
      this.#host.keep(this.id, { peer: to });
      await this.#host.request({
        type: "call.create",
        call: this.id,
        to,
        description: description2,
        ...options.account ? { account: options.account } : {},
        ...options.displayName ? { display_name: options.displayName } : {},
        ...options.headers ? { headers: options.headers } : {}
      });
      this.#placed = true;
    } catch (error) {
      if (this.#is("ended")) return;
      this.#fail(error instanceof Fault ? error : new Fault("internal", String(error)));
    }
  }
  /** @internal The call as the gateway announced it; again after lost events. */
  invite(invitation, candidates = []) {
    if (this.#state !== "incoming") return;
    this.#invitation = invitation;
    this.#waiting.push(...candidates);
    this.#host.keep(this.id, { incoming: invitation, peer: invitation.from.uri });
  }
  /** @internal Whether the gateway is known to have it. */
  get placed() {
    return this.#placed || this.#state !== "preparing" && this.#state !== "calling";
  }
  /** @internal What the caller needs, as announced. */
  get need() {
    return this.#invitation?.need;
  }
  /** @internal After a lost connection or a reload: what the gateway says is so. */
  restore(info) {
    const behind = info.state === "established" && this.#state !== "established";
    if (this.#leg && behind && this.#state === "answering" && this.need !== "offer") {
      return this.#accepted();
    }
    if (behind || info.state === "established" && !this.#leg) {
      const kept = this.#host.kept(this.id);
      this.#held = kept.held ?? false;
      this.#muted = kept.muted ?? false;
      return void this.#rebuild(kept);
    }
    if (info.state === "established") return;
    if (info.direction === "incoming") {
      if (info.state !== "early" || this.#leg) return;
      if (info.need) void this.#retake(info.need);
      else this.#orphaned("answering");
      return;
    }
    if (!this.#leg) this.#orphaned(info.state);
    else if (this.#state !== "established") this.#set(info.state);
  }
  /** @internal The gateway knows nothing of it any more. */
  lose() {
    this.#finish({ ...local("timeout"), by: "gateway", message: "the gateway lost the call" });
  }
  /** @internal An event of this call. */
  take(event) {
    switch (event.type) {
      case "call.incoming":
        return this.invite(event);
      case "call.ringing":
        return this.#state === "calling" ? this.#set("ringing") : void 0;
      case "call.progress":
        if (this.#state === "calling" || this.#state === "ringing") this.#set("early");
        return this.#describe(event.description, event.negotiation);
      case "call.accepted":
        return this.#accepted(event.description, event.negotiation);
      case "call.description":
        if (this.#is("incoming") || this.#is("answering")) {
          return this.#offered(event.description, event.negotiation ?? 1);
        }
        return this.#describe(event.description, event.negotiation, event);
      case "call.offer_requested":
        void this.#leg?.negotiation.need("call.description").catch(() => {
        });
        return;
      case "call.candidate":
        return this.#candidate(event.candidate);
      case "call.media":
        this.#media = event.media;
        this.emit("media", event.media);
        return;
      case "call.dtmf":
        return this.emit("dtmf", { digit: event.digit, durationMs: event.duration_ms });
      case "call.ended": {
        const { cause: cause2, by, message: message2, sip } = event;
        const words = endWords(cause2);
        return this.#finish({ cause: cause2, by, words, message: message2, ...sip ? { sip } : {} });
      }
    }
  }
  // --- inside ---
  #accepted(description2, negotiation) {
    if (this.#state === "ended") return;
    this.#establish();
    if (this.#orphan) {
      this.#orphan = false;
      return void this.#rebuild(this.#host.kept(this.id));
    }
    const leg = this.#leg;
    if (!leg) return;
    if (description2) this.#describe(description2, negotiation);
    else void leg.negotiation.settle().catch((error) => this.#refuse(error));
    leg.negotiation.allow();
  }
  /** The first offer, of a call that was accepted without one: kept until it is answered. */
  #offered(description2, negotiation) {
    if (description2.type !== "offer") return;
    if (this.#leg && this.#offer?.negotiation === negotiation) return;
    this.#offer = { description: description2, negotiation };
    this.#host.keep(this.id, { offer: this.#offer });
    if (this.#leg) void this.#answer(this.#leg, this.#offer);
  }
  async #answer(leg, { description: description2, negotiation }) {
    try {
      const answer = await leg.negotiation.answer(description2);
      this.#keepSlots();
      const type = "call.description";
      await this.#host.request({ type, call: this.id, description: answer, negotiation });
    } catch (error) {
      if (!this.#is("ended")) this.#giveUp(String(error));
    }
  }
  /** After a reload, of a call whose first offer is not answered: a connection for its answer. */
  async #retake(need2) {
    this.#set("answering");
    if (need2 === "answer") this.#offer ??= this.#host.kept(this.id).offer;
    const tracks = await reopenMedia(this.#host.kept(this.id).video, this.#host.environment);
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#begin(tracks, false);
    if (this.#offer) await this.#answer(leg, this.#offer);
  }
  /** The connection that made the offer is gone: when it is answered, a new one takes over. */
  #orphaned(state) {
    this.#orphan = true;
    this.#set(state);
  }
  #describe(of, negotiation, why = {}) {
    const leg = this.#leg;
    if (!leg) return;
    leg.negotiation.remote(of, negotiation ?? void 0, why).catch((error) => this.#refuse(error));
  }
  /** The browser does not take what the other side says. */
  #refuse(error) {
    if (this.#state === "ended") return;
    const fault = new Fault("bad_answer", String(error));
    if (this.#state === "established" && this.#leg?.pc.currentRemoteDescription) {
      return this.emit("fault", fault);
    }
    this.#giveUp(fault.message);
  }
  /** There is nothing that both sides could agree on. */
  #giveUp(message2) {
    this.#tell({ type: "call.end", call: this.id, cause: "not_acceptable" });
    this.#finish({ ...local("not_acceptable"), message: message2 });
  }
  #candidate(candidate2) {
    if (this.#is("incoming") || this.#is("answering")) {
      const { candidates = [] } = this.#host.kept(this.id);
      this.#host.keep(this.id, { candidates: [...candidates, candidate2] });
      if (!this.#leg) this.#waiting.push(candidate2);
    }
    void this.#leg?.negotiation.candidate(candidate2).catch(() => {
    });
  }
  /** The connection of a call that is taken, with the candidates that came before. */
  #begin(tracks, offering) {
    const leg = this.#open(tracks);
    leg.addTracks(offering);
    for (const candidate2 of this.#waiting.splice(0)) {
      void leg.negotiation.candidate(candidate2).catch(() => {
      });
    }
    return leg;
  }
  #open(tracks, nextOffer = 1) {
    const { environment } = this.#host;
    const leg = new Leg(
      environment,
      this.#host.configuration(),
      tracks,
      this.remoteStream,
      {
        describe: (type, description2, negotiation) => {
          this.#host.keep(this.id, { negotiation: leg.negotiation.next });
          return this.#host.request({ type, call: this.id, description: description2, negotiation });
        },
        candidate: (candidate2) => {
          this.#tell({ type: "call.candidate", call: this.id, candidate: candidate2 });
        },
        changed: (arriving) => {
          this.#keepSlots();
          if (arriving) this.emit("stream", this.remoteStream);
          this.emit("media", this.#media);
        },
        path: (state) => this.emit("path", state),
        fault: (fault) => this.emit("fault", fault)
      },
      nextOffer
    );
    leg.mute(this.#muted);
    this.#leg = leg;
    return leg;
  }
  /** A new connection for a call that goes on: all its sections, in a full new offer. */
  async #rebuild(kept) {
    this.#establish(kept.since);
    this.#closeLeg();
    const tracks = await reopenMedia(kept.video, this.#host.environment);
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#open(tracks, kept.negotiation ?? 2);
    leg.refill(kept.slots ?? [], this.#held);
    for (let open = 0; open < 2; open += 1) {
      try {
        const description2 = { type: "rollback" };
        await this.#host.request({ type: "call.description", call: this.id, description: description2 });
      } catch {
        break;
      }
    }
    if (leg.closed) return;
    leg.negotiation.allow();
    const purpose = this.#held ? "call.hold" : "call.description";
    await leg.negotiation.need(purpose).catch((fault) => this.emit("fault", fault));
  }
  async #setHeld(held) {
    const leg = this.#established();
    if (this.#held === held) return;
    const note = (held2) => {
      this.#held = held2;
      this.#host.keep(this.id, { held: held2 });
      this.emit("media", this.#media);
    };
    note(held);
    try {
      await leg.hold(held);
    } catch (error) {
      if (!leg.closed) note(!held);
      throw error;
    }
  }
  #keepSlots() {
    const leg = this.#leg;
    if (!leg || this.#state === "ended") return;
    this.#host.keep(this.id, {
      slots: leg.slots(),
      negotiation: leg.negotiation.next,
      video: leg.sendsVideo
    });
  }
  #establish(since) {
    this.#since ??= since ?? this.#host.environment.now();
    this.#host.keep(this.id, { since: this.#since });
    this.#set("established");
  }
  #established() {
    if (this.#state !== "established" || !this.#leg) throw misplaced("the call is not answered");
    return this.#leg;
  }
  /** The gateway refuses the call itself. */
  #fail(fault) {
    const { message: message2, words } = fault;
    const cause2 = isCause(fault.code) ? fault.code : "internal";
    this.#finish({ cause: cause2, by: "gateway", words, message: message2 });
  }
  #finish(end2) {
    if (this.#state === "ended") return;
    this.#end = end2;
    this.#closeLeg();
    this.#set("ended");
    this.emit("ended", end2);
    this.#host.over(this);
  }
  #closeLeg() {
    this.#leg?.close();
    this.#leg = void 0;
  }
  /** A request whose refusal changes nothing: the call is over, or will be told to be. */
  #tell(frame) {
    this.#host.request(frame).catch((fault) => {
      if (this.#state !== "ended") this.emit("fault", fault);
    });
  }
  #set(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }
  /** As a method, since the state may have changed while something was awaited. */
  #is(state) {
    return this.#state === state;
  }
};
function misplaced(message2) {
  return new Fault("bad_state", message2);
}

// src/frames.ts
var SUBPROTOCOL = "crosspoint.v1";

// src/protocol.ts
var close = {
  away: 1001,
  binary: 1003,
  badHello: 4400,
  notAuthenticated: 4401,
  timeout: 4408,
  superseded: 4409,
  tooMuch: 4413,
  unavailable: 4503
};

// src/guard.ts
var LOCK_MS = 600;
var ANSWER_MS = 250;
function claim(session, environment) {
  const name = `crosspoint.session.${session}`;
  if (environment.locks) return byLock(name, environment);
  if (environment.openChannel) return byChannel(name, environment);
  return Promise.resolve(() => {
  });
}
function byLock(name, environment) {
  return new Promise((resolve) => {
    const patience = new AbortController();
    const timer = environment.setTimeout(() => patience.abort(), LOCK_MS);
    const held = environment.locks?.request(name, { signal: patience.signal }, () => {
      environment.clearTimeout(timer);
      return new Promise((release) => resolve(release));
    });
    held?.catch(() => resolve(void 0));
  });
}
function byChannel(name, environment) {
  return new Promise((resolve) => {
    const channel = environment.openChannel?.(name);
    if (!channel) return resolve(() => {
    });
    const self = environment.newId();
    let mine = false;
    channel.onmessage = ({ data }) => {
      const message2 = data;
      if (message2.from === self) return;
      if (message2.says === "whose" && mine) channel.postMessage({ from: self, says: "mine" });
      if (message2.says === "mine" && !mine) {
        environment.clearTimeout(timer);
        channel.close();
        resolve(void 0);
      }
    };
    channel.postMessage({ from: self, says: "whose" });
    const timer = environment.setTimeout(() => {
      mine = true;
      resolve(() => channel.close());
    }, ANSWER_MS);
  });
}

// src/memory.ts
var Memory = class {
  #store;
  #key;
  #kept;
  constructor(store, url) {
    this.#store = store;
    this.#key = `crosspoint:${url}`;
  }
  /** What the page before this one left. */
  load() {
    try {
      const kept = JSON.parse(this.#store?.getItem(this.#key) ?? "null");
      this.#kept = isMemory(kept) ? kept : void 0;
    } catch {
      this.#kept = void 0;
    }
    return this.#kept;
  }
  /** Begins to keep a session. */
  begin(session, seq) {
    const calls = this.#kept?.session === session ? this.#kept.calls : {};
    this.#kept = { session, seq, calls };
    this.#save();
  }
  /** Notes the last event. */
  saw(seq) {
    if (!this.#kept) return;
    this.#kept.seq = seq;
    this.#save();
  }
  /** What is kept of a call. */
  call(call) {
    return this.#kept?.calls[call] ?? {};
  }
  /** What is kept of all calls, by id. */
  calls() {
    return Object.entries(this.#kept?.calls ?? {});
  }
  /** Keeps more of a call. */
  keep(call, more) {
    if (!this.#kept) return;
    this.#kept.calls[call] = { ...this.#kept.calls[call], ...more };
    this.#save();
  }
  /** Forgets a call. */
  drop(call) {
    if (!this.#kept?.calls[call]) return;
    delete this.#kept.calls[call];
    this.#save();
  }
  /** Forgets the session. */
  forget() {
    this.#kept = void 0;
    this.#store?.removeItem(this.#key);
  }
  #save() {
    try {
      this.#store?.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
    }
  }
};
function isMemory(value) {
  const kept = value;
  return typeof kept === "object" && kept !== null && typeof kept.session === "string" && Number.isSafeInteger(kept.seq) && typeof kept.calls === "object" && kept.calls !== null;
}

// src/connection.ts
var OPEN_MS = 1e4;
var PONG_MS = 8e3;
var PROBE_MS = 3e3;
var PAUSE_MAX_MS = 15e3;
var GOOD_MS = 5e3;
var ACK_MS = 400;
var ACK_EVENTS = 32;
var PENDING_MAX = 1e3;
var RATE_RETRIES = 3;
var Connection = class extends Emitter {
  memory;
  #options;
  #environment;
  #state = { name: "idle" };
  #session;
  #seq = 0;
  #acknowledged = 0;
  #pending = /* @__PURE__ */ new Map();
  #nextId = 1;
  #idPrefix;
  #attempts = 0;
  #token;
  #rejected;
  #wasOpen = false;
  #refusal;
  #release;
  #limits;
  #heartbeatMs = 2e4;
  #beat;
  #deadline;
  #deadlineAt = 0;
  #ackTimer;
  #onOnline = () => this.#hurry();
  #onVisible = () => this.#hurry();
  constructor(options, environment) {
    super();
    this.#options = options;
    this.#environment = environment;
    this.memory = new Memory(environment.store, options.url);
    this.#idPrefix = environment.newId().slice(0, 8);
  }
  /** How the connection stands. */
  get state() {
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
  async open() {
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
        this.memory.forget();
      }
    }
    if (this.#is("opening")) this.#dial();
  }
  /** Ends it for good. Calls go on at the gateway until their grace is over, or are ended first. */
  close() {
    if (this.#state.name === "closed") return;
    const socket = this.#socket();
    this.memory.forget();
    this.#shut(void 0);
    socket?.close(1e3, "bye");
  }
  /** Takes a new socket in place of the one there is; what was missed comes again. */
  reconnect() {
    const socket = this.#socket();
    if (socket) this.#lost(socket);
    else this.#hurry();
  }
  /**
   * Sends a request; resolves with the gateway's `result`, rejects with a {@link Fault}. Waits for
   * the connection where there is none, and is sent again after a lost one.
   */
  request(frame) {
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
  #ask(pending) {
    const id = `${this.#idPrefix}-${this.#nextId++}`;
    this.#pending.set(id, pending);
    if (this.#state.name === "open") this.#sendPending(id, pending);
  }
  #sendPending(id, pending) {
    const frame = { ...pending.frame, id };
    const bytes = new TextEncoder().encode(JSON.stringify(frame)).length + 32;
    if (this.#limits && bytes > this.#limits.frame_bytes) {
      this.#pending.delete(id);
      const most = this.#limits.frame_bytes;
      return pending.reject(new Fault("too_large", `${bytes} of at most ${most} bytes`));
    }
    this.#send(frame);
  }
  // --- the socket ---
  async #dial() {
    const opening = { name: "opening" };
    this.#enter(opening);
    let token;
    let capabilities;
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
    let socket;
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
    socket.onerror = () => {
    };
  }
  #greet(socket, timer, capabilities, token) {
    if (this.#socket() !== socket) return;
    this.#state = { name: "greeting", socket, timer };
    const { client } = this.#options;
    this.#send({
      type: "hello",
      capabilities,
      ...token === void 0 ? {} : { token },
      ...this.#session ? { resume: { session: this.#session, seq: this.#seq } } : {},
      ...client ? { client } : {}
    });
  }
  #take(socket, json) {
    if (this.#socket() !== socket) return;
    this.#environment.clearTimeout(this.#deadline);
    this.#deadline = void 0;
    let frame;
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
        return;
    }
  }
  /** An event that cannot be used still counts: the next would look like a gap otherwise. */
  #skip(json) {
    const seq = /"seq":\s*(\d+)/.exec(json)?.[1];
    if (Number(seq) !== this.#seq + 1) return;
    if (this.#state.name === "replaying") this.#seq += 1;
    else this.#saw(this.#seq + 1);
  }
  #welcomed(welcome) {
    if (this.#state.name !== "greeting") return;
    const { socket, timer } = this.#state;
    if (welcome.session !== this.#session) {
      this.#session = welcome.session;
      this.#release?.();
      this.#release = void 0;
      void claim(welcome.session, this.#environment).then((release) => {
        if (this.#session === welcome.session) this.#release = release;
        else release?.();
      });
    }
    if (welcome.resumed !== true) this.#seq = welcome.next_seq - 1;
    this.#acknowledged = Math.min(this.#acknowledged, this.#seq);
    this.memory.begin(welcome.session, this.#seq);
    this.#limits = welcome.limits;
    this.#heartbeatMs = Math.max(1e3, welcome.heartbeat_ms);
    this.#state = { name: "replaying", socket, timer, welcome, missed: [] };
  }
  #synced(sync) {
    if (this.#state.name !== "replaying") return;
    const { socket, timer, welcome, missed } = this.#state;
    this.#environment.clearTimeout(timer);
    this.#seq = Math.max(this.#seq, sync.up_to);
    this.memory.saw(this.#seq);
    this.#refusal = void 0;
    this.#rejected = void 0;
    this.#wasOpen = true;
    this.#state = { name: "open", socket, since: this.#environment.now() };
    const waiting = [...this.#pending];
    this.emit("ready", { welcome, missed, sync });
    for (const [id, pending] of waiting) {
      if (this.#is("open") && this.#pending.has(id)) this.#sendPending(id, pending);
    }
    this.#acknowledgeSoon();
    this.#rest();
    this.emit("state", { state: this.state });
  }
  #event(event) {
    if (event.seq <= this.#seq) return;
    if (event.seq !== this.#seq + 1) {
      const message2 = `event ${event.seq} came after ${this.#seq}: resuming`;
      this.emit("fault", new Fault("bad_frame", message2));
      const socket = this.#socket();
      return socket && this.#lost(socket);
    }
    if (this.#state.name === "replaying") {
      this.#state.missed.push(event);
      this.#seq = event.seq;
      return;
    }
    this.emit("event", event);
    this.#saw(event.seq);
  }
  #saw(seq) {
    this.#seq = seq;
    this.memory.saw(seq);
    this.#acknowledgeSoon();
  }
  #refused(frame) {
    const fault = Fault.of(frame);
    const id = frame.id ?? void 0;
    const pending = id === void 0 ? void 0 : this.#pending.get(id);
    if (id === void 0 || !pending) {
      this.#refusal = fault;
      if (this.#state.name === "open") this.emit("fault", fault);
      return;
    }
    this.#pending.delete(id);
    if (fault.code === "rate_limited" && pending.tries < RATE_RETRIES) {
      pending.tries += 1;
      this.#environment.setTimeout(() => this.#ask(pending), fault.retryAfterMs ?? 1e3);
      return;
    }
    pending.reject(fault);
  }
  // --- acknowledgement and heartbeat ---
  #acknowledgeSoon() {
    if (this.#seq - this.#acknowledged >= ACK_EVENTS) return this.#acknowledge();
    if (this.#seq === this.#acknowledged || this.#ackTimer !== void 0) return;
    this.#ackTimer = this.#environment.setTimeout(() => this.#acknowledge(), ACK_MS);
  }
  #acknowledge() {
    this.#environment.clearTimeout(this.#ackTimer);
    this.#ackTimer = void 0;
    if (this.#state.name === "open" && this.#seq > this.#acknowledged) {
      this.#send({ type: "ack", ack: this.#seq });
    }
  }
  /** Pings again and again, whatever else is sent: only a ping is sure to be answered. */
  #rest() {
    this.#environment.clearTimeout(this.#beat);
    this.#beat = this.#environment.setTimeout(() => {
      this.#probe(PONG_MS);
      this.#rest();
    }, this.#heartbeatMs);
  }
  /** Pings. The gateway has until the deadline to say anything; a later ping gives it no longer. */
  #probe(deadlineMs) {
    if (this.#state.name !== "open") return;
    const { socket } = this.#state;
    this.#send({ type: "ping" });
    const until = this.#environment.now() + deadlineMs;
    if (this.#deadline !== void 0 && this.#deadlineAt <= until) return;
    this.#environment.clearTimeout(this.#deadline);
    this.#deadlineAt = until;
    this.#deadline = this.#environment.setTimeout(() => this.#lost(socket), deadlineMs);
  }
  /** The network is back, or the tab: is the connection still there? */
  #hurry() {
    if (this.#state.name === "open") return this.#probe(PROBE_MS);
    if (this.#state.name !== "waiting") return;
    this.#environment.clearTimeout(this.#state.timer);
    void this.#dial();
  }
  #send(frame) {
    const socket = this.#socket();
    if (!socket) return;
    const acknowledges = this.#state.name === "open" && this.#seq > this.#acknowledged;
    if (acknowledges) this.#acknowledged = this.#seq;
    const ack = acknowledges ? { ack: this.#seq } : {};
    socket.send(JSON.stringify({ ...frame, ...ack }));
  }
  // --- the end of a socket ---
  #closed(socket, code, reason) {
    if (this.#socket() !== socket) return;
    const fault = this.#refusal;
    const say = (of) => fault ?? new Fault(of, reason || `closed with ${code}`);
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
        if (typeof this.#options.token === "function" && !this.#rejected) {
          this.#rejected = { token: this.#token, fault: say("not_authenticated") };
          return this.#lost(socket);
        }
        return this.#shut(say("not_authenticated"));
      default:
        return this.#lost(socket);
    }
  }
  #lost(socket) {
    if (this.#socket() !== socket) return;
    const good = this.#state.name === "open" && this.#environment.now() - this.#state.since >= GOOD_MS;
    if (good) this.#attempts = 0;
    this.#forgetSocket(socket);
    socket.close();
    if (this.#state.name === "replaying") this.#seq = this.#state.welcome.next_seq - 1;
    this.#wait();
  }
  #wait() {
    const { random } = this.#environment;
    const most = Math.min(PAUSE_MAX_MS, 300 * 2 ** this.#attempts);
    const hinted = this.#refusal?.retryAfterMs ?? 0;
    const pause = this.#attempts === 0 ? random() * 200 : most * (0.5 + random() / 2);
    const delay = Math.round(Math.max(pause, Math.min(hinted, 6e4)));
    this.#attempts += 1;
    const fault = this.#refusal;
    this.#refusal = void 0;
    const timer = this.#environment.setTimeout(() => void this.#dial(), delay);
    this.#state = { name: "waiting", timer };
    const why = fault ? { fault } : {};
    this.emit("state", { state: this.state, retryInMs: delay, ...why });
  }
  #forgetSocket(socket) {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {
    };
    for (const timer of [this.#beat, this.#deadline, this.#ackTimer]) {
      this.#environment.clearTimeout(timer);
    }
    this.#beat = this.#deadline = this.#ackTimer = void 0;
    this.#acknowledged = Math.min(this.#acknowledged, this.#seq);
    if ("timer" in this.#state) this.#environment.clearTimeout(this.#state.timer);
  }
  #shut(fault) {
    const socket = this.#socket();
    if (socket) this.#forgetSocket(socket);
    if (this.#state.name === "waiting") this.#environment.clearTimeout(this.#state.timer);
    this.#release?.();
    this.#release = void 0;
    this.#environment.window?.removeEventListener("online", this.#onOnline);
    this.#environment.window?.removeEventListener("pageshow", this.#onVisible);
    this.#environment.window?.removeEventListener("focus", this.#onVisible);
    this.#state = { name: "closed", fault };
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    const end2 = fault ?? new Fault("not_authenticated", "the connection was closed");
    for (const { reject } of pending) reject(end2);
    this.emit("state", { state: "closed", ...fault ? { fault } : {} });
  }
  #enter(state) {
    const before = this.state;
    this.#state = state;
    if (this.state !== before) this.emit("state", { state: this.state });
  }
  #is(name) {
    return this.#state.name === name;
  }
  #socket() {
    return "socket" in this.#state ? this.#state.socket : void 0;
  }
};

// src/environment.ts
function browser() {
  const nav = globalThis.navigator;
  return {
    openSocket: (url, protocol) => new WebSocket(url, protocol),
    newPeerConnection: (configuration) => new RTCPeerConnection(configuration),
    userMedia: (constraints) => {
      if (!nav.mediaDevices) {
        return Promise.reject(new DOMException("needs https or localhost", "SecurityError"));
      }
      return nav.mediaDevices.getUserMedia(constraints);
    },
    newStream: (tracks) => new MediaStream(tracks ?? []),
    store: sessionStore(),
    locks: nav?.locks,
    openChannel: typeof BroadcastChannel === "function" ? (name) => new BroadcastChannel(name) : void 0,
    window: globalThis.window,
    network: nav?.connection,
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: () => Math.random(),
    newId,
    now: () => Date.now()
  };
}
function sessionStore() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return void 0;
  }
}
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// src/client.ts
var PAST_MAX = 100;
var Crosspoint = class extends Emitter {
  #environment;
  #connection;
  #token;
  #welcome;
  #accounts = /* @__PURE__ */ new Map();
  #calls = /* @__PURE__ */ new Map();
  #past = /* @__PURE__ */ new Map();
  #host;
  #announced = /* @__PURE__ */ new WeakSet();
  #rung = /* @__PURE__ */ new WeakSet();
  #catchingUp = false;
  /** `environment` replaces what is taken from the browser; for tests. */
  constructor(environment = {}) {
    super();
    this.#environment = { ...browser(), ...environment };
    this.#host = {
      environment: this.#environment,
      configuration: () => ({
        iceServers: (this.#welcome?.ice_servers ?? []).map(iceServer2),
        bundlePolicy: "balanced"
      }),
      request: (frame) => this.#connected().request(frame),
      keep: (call, more) => {
        if (this.#calls.has(call)) this.#connection?.memory.keep(call, more);
      },
      kept: (call) => this.#connection?.memory.call(call) ?? {},
      over: (call) => this.#forget(call)
    };
  }
  /** How the connection stands. */
  get state() {
    return this.#connection?.state ?? "idle";
  }
  /** Who the gateway says we are. */
  get user() {
    return this.#welcome?.user;
  }
  /** Name and version of the gateway. */
  get gateway() {
    return this.#welcome?.gateway;
  }
  get limits() {
    return this.#welcome?.limits;
  }
  /** The accounts, by name. */
  get accounts() {
    return this.#accounts;
  }
  /** The calls that are not over, by id. */
  get calls() {
    return this.#calls;
  }
  /** The calls that are over, by id: the last hundred. */
  get past() {
    return this.#past;
  }
  /**
   * Connects, and stays connected: comes back by itself, with the calls, after a lost connection
   * and after a reload of the page. Resolves when the gateway has said welcome; rejects with a
   * {@link Fault} when it will not have us.
   */
  async connect(options = {}) {
    if (this.#connection && this.#connection.state !== "closed") {
      throw new Fault("bad_state", "connected already: disconnect first");
    }
    this.#token = options.token;
    const connection = new Connection(
      {
        url: options.url ?? ownServer(),
        // By way of `#token`, so that a refreshed one serves the next connection as well.
        token: typeof options.token === "string" ? () => this.#fetch() : options.token,
        capabilities: async () => await takesPranswer(this.#environment) ? ["trickle", "pranswer"] : ["trickle"],
        ...options.client ? { client: options.client } : {}
      },
      this.#environment
    );
    this.#connection = connection;
    connection.on("ready", ({ welcome, missed, sync }) => this.#ready(welcome, missed, sync));
    connection.on("event", (event) => this.#take(event));
    connection.on("fault", (fault) => this.emit("fault", fault));
    const settled = new Promise((resolve, reject) => {
      connection.on("state", (detail2) => {
        if (detail2.state === "connected") resolve();
        if (detail2.state === "closed") {
          for (const call of [...this.#calls.values()]) call.lose();
          reject(detail2.fault ?? new Fault("not_authenticated", "the connection was closed"));
        }
        this.emit("state", detail2);
      });
    });
    settled.catch(() => {
    });
    await connection.open();
    return settled;
  }
  /**
   * Takes a new connection at once, where the page knows that the old one is of no use. Calls go
   * on, and nothing is lost.
   */
  reconnect() {
    this.#connection?.reconnect();
  }
  /** Ends all calls and leaves. */
  async disconnect() {
    const connection = this.#connection;
    if (!connection) return;
    for (const call of [...this.#calls.values()]) call.end();
    if (connection.state === "connected") {
      const last = connection.request({ type: "account.remove", account: "-" }).catch(() => {
      });
      const patience = new Promise((resolve) => {
        this.#environment.setTimeout(resolve, 1e3);
      });
      await Promise.race([last, patience]);
    }
    connection.close();
    this.#welcome = void 0;
    this.#accounts.clear();
  }
  /**
   * Calls `to`: what the dial plan knows, or `user:bob`, `join:word`, `sip:…`, `tel:…`. The call
   * is there at once and tells what becomes of it by its events.
   */
  call(to, options = {}) {
    this.#connected();
    const call = new Call(this.#host, {
      id: this.#environment.newId(),
      direction: "outgoing",
      state: "preparing",
      peer: to
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
  async sendMessage(to, text2, options = {}) {
    const { account } = options;
    const request = { type: "message.send", to, text: text2, ...account ? { account } : {} };
    const { id } = await this.#connected().request(request);
    return id;
  }
  /** Registers an account: one that the token names, or one's own where the gateway allows it. */
  async addAccount(account) {
    await this.#connected().request({ type: "account.add", ...account });
    const known = this.#accounts.get(account.account);
    if (known) return;
    const { account: name, uri } = account;
    this.#accounts.set(name, { account: name, state: "registering", ...uri ? { uri } : {} });
  }
  /** Takes an account back that `addAccount` brought. */
  async removeAccount(account) {
    await this.#connected().request({ type: "account.remove", account });
    this.#accounts.delete(account);
  }
  /** Gives the gateway a newer token on the live connection. */
  async refreshToken(token) {
    await this.#connected().request({ type: "token.refresh", token });
    if (typeof this.#token !== "function") this.#token = token;
  }
  // --- inside ---
  #connected() {
    if (!this.#connection || this.#connection.state === "closed") {
      throw new Fault("not_authenticated", "not connected: call connect() first");
    }
    return this.#connection;
  }
  async #fetch() {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }
  #ready(welcome, missed, sync) {
    this.#welcome = welcome;
    this.#accounts.clear();
    for (const account of welcome.accounts) this.#accounts.set(account.account, account);
    this.#catchingUp = true;
    this.#recall();
    for (const event of missed) this.#take(event);
    this.#catchingUp = false;
    const known = new Set(sync.calls.map(({ call }) => call));
    for (const call of [...this.#calls.values()]) {
      if (!known.has(call.id) && call.placed) call.lose();
    }
    for (const info of sync.calls) this.#found(info);
    for (const account of this.#accounts.values()) this.emit("account", account);
  }
  /** Calls that rang before the page was loaded again: what was missed may be about them. */
  #recall() {
    for (const [id, kept] of this.#connection?.memory.calls() ?? []) {
      if (!kept.incoming || this.#calls.has(id) || this.#past.has(id)) continue;
      const call = this.#incoming(kept.incoming);
      call.invite(kept.incoming, kept.candidates);
    }
  }
  #incoming({ call: id, from }) {
    const call = new Call(this.#host, {
      id,
      direction: "incoming",
      state: "incoming",
      peer: from.uri,
      peerName: from.display_name ?? void 0
    });
    this.#calls.set(id, call);
    return call;
  }
  /** A call that the gateway knows. */
  #found(info) {
    if (this.#past.has(info.call)) return;
    let call = this.#calls.get(info.call);
    if (!call) {
      const ringsHere = info.direction === "incoming" && info.state !== "established";
      const kept = this.#host.kept(info.call);
      call = new Call(this.#host, {
        id: info.call,
        direction: info.direction,
        state: ringsHere ? "incoming" : info.state === "established" ? "answering" : info.state,
        peer: kept.peer ?? info.peer ?? ""
      });
      this.#calls.set(call.id, call);
    }
    call.restore(info);
    this.#announce(call);
    if (call.need) this.#ring(call);
  }
  #announce(call) {
    if (this.#announced.has(call)) return;
    this.#announced.add(call);
    this.emit("call", call);
  }
  #take(event) {
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
  #ofCall(event) {
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
  #ring(call) {
    if (this.#catchingUp || this.#rung.has(call) || call.state !== "incoming") return;
    this.#rung.add(call);
    this.#announce(call);
    this.#connected().request({ type: "call.ring", call: call.id }).catch(() => {
    });
    this.emit("incoming", call);
  }
  #expiring(expiresInMs) {
    if (typeof this.#token !== "function") return this.emit("tokenexpiring", { expiresInMs });
    this.#fetch().then((token) => token === void 0 ? void 0 : this.refreshToken(token)).catch((error) => {
      const why = `no new token: ${String(error)}`;
      this.emit("fault", error instanceof Fault ? error : new Fault("token_expired", why));
    });
  }
  #forget(call) {
    this.#calls.delete(call.id);
    this.#past.set(call.id, call);
    const [oldest] = this.#past.keys();
    if (this.#past.size > PAST_MAX && oldest !== void 0) this.#past.delete(oldest);
    this.#connection?.memory.drop(call.id);
  }
};
function message({ from, to, account, text: text2 }) {
  const fromName = from.display_name ?? void 0;
  return { from: from.uri, fromName, to, account: account ?? void 0, text: text2 };
}
function failed({ id, cause: cause2, sip }) {
  return { id, delivered: false, cause: cause2, words: messageWords(cause2), sip: sip ?? void 0 };
}
function iceServer2({ urls, username, credential }) {
  return { urls, ...username ? { username } : {}, ...credential ? { credential } : {} };
}
function ownServer() {
  const url = new URL("/ws", globalThis.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

// src/sounds.ts
var patterns = {
  /** For the one who is called: two short trills. */
  ring: { hertz: [520, 660], rhythm: [0.4, 0.2, 0.4, 2], loud: 0.16 },
  /** For the one who calls: a long tone, 440 and 480 Hz. */
  ringback: { hertz: [440, 480], rhythm: [1.6, 3.2], loud: 0.05 },
  busy: { hertz: [480, 620], rhythm: [0.4, 0.4], loud: 0.05 }
};
var keys = "123A456B789C*0#D";
var rows = [697, 770, 852, 941];
var columns = [1209, 1336, 1477, 1633];
var Sounds = class {
  #context;
  #stop;
  #playing;
  /** Plays a tone until `quiet()`; another one in its place where one plays. */
  play(name) {
    if (this.#playing === name) return;
    this.quiet();
    const context = this.#open();
    if (!context) return;
    this.#playing = name;
    const { hertz, rhythm, loud } = patterns[name];
    const gain = new GainNode(context, { gain: 0 });
    gain.connect(context.destination);
    const voices = hertz.map((frequency) => {
      const voice = new OscillatorNode(context, { frequency });
      voice.connect(gain);
      voice.start();
      return voice;
    });
    const round = rhythm.reduce((sum, part) => sum + part, 0);
    let next = context.currentTime;
    const plan = () => {
      while (next < context.currentTime + 60) {
        let at = next;
        rhythm.forEach((part, index) => {
          if (index % 2 === 0) {
            gain.gain.setValueAtTime(0, at);
            gain.gain.linearRampToValueAtTime(loud, at + 0.02);
            gain.gain.setValueAtTime(loud, at + part - 0.02);
            gain.gain.linearRampToValueAtTime(0, at + part);
          }
          at += part;
        });
        next += round;
      }
    };
    plan();
    const timer = setInterval(plan, 1e4);
    this.#stop = () => {
      clearInterval(timer);
      for (const voice of voices) voice.stop();
      gain.disconnect();
    };
  }
  /** The sound of a key, short. */
  key(digit) {
    const at = keys.indexOf(digit);
    const context = at < 0 ? void 0 : this.#open();
    if (!context) return;
    const gain = new GainNode(context, { gain: 0.06 });
    gain.connect(context.destination);
    const now = context.currentTime;
    gain.gain.setValueAtTime(0.06, now + 0.1);
    gain.gain.linearRampToValueAtTime(0, now + 0.13);
    for (const frequency of [rows[Math.floor(at / 4)] ?? 0, columns[at % 4] ?? 0]) {
      const voice = new OscillatorNode(context, { frequency });
      voice.connect(gain);
      voice.start();
      voice.stop(now + 0.15);
    }
  }
  quiet() {
    this.#stop?.();
    this.#stop = this.#playing = void 0;
  }
  #open() {
    if (typeof AudioContext !== "function") return void 0;
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") void this.#context.resume();
    return this.#context;
  }
};
var Meter = class {
  #analyser;
  #source;
  #samples;
  /** `context` is the page's; one serves all meters. */
  constructor(stream, context) {
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.#source.connect(this.#analyser);
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }
  /** Silence is 0, full scale is 1; in between as the ear hears it. */
  level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibel = 10 * Math.log10(sum / this.#samples.length + 1e-10);
    return Math.min(1, Math.max(0, (decibel + 60) / 60));
  }
  close() {
    this.#source.disconnect();
  }
};
export {
  Call,
  Crosspoint,
  Fault,
  Meter,
  Sounds,
  endWords,
  errorWords,
  mediaWords,
  messageWords
};
