// The demo page of crosspoint. Built from web/; see web/README.md.

// demo/page.ts
import { Crosspoint, Fault as Fault2, Sounds, errorWords } from "./crosspoint.js";

// demo/card.ts
import { Fault, endWords, mediaWords } from "./crosspoint.js";

// demo/dom.ts
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const { class: name, hidden, data = {}, aria = {}, on = {}, ...plain } = attributes;
  if (name) element.className = name;
  if (hidden) element.hidden = true;
  for (const [key, value] of Object.entries(plain)) element.setAttribute(key, value);
  for (const [key, value] of Object.entries(data)) element.dataset[key] = value;
  for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(on)) element.addEventListener(key, value);
  element.append(...children.filter((child) => Boolean(child)));
  return element;
}
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html lacks #${id}`);
  return element;
}
var paths = {
  phone: "M6.6 3.5 9 3l2 4.6-2 1.6a12 12 0 0 0 5.8 5.8l1.6-2L21 15l-.5 2.4A3.3 3.3 0 0 1 17 20 14.5 14.5 0 0 1 4 7a3.3 3.3 0 0 1 2.6-3.5Z",
  hangUp: "M12 9.2c-2 0-3.9.3-5.6 1v3l-3 1.9L1.4 12C4 9.3 7.8 7.7 12 7.700s8 1.6 10.6 4.300l-2 3.1-3-1.900v-3c-1.7-.7-3.6-1-5.6-1Z",
  hold: "M8 5v14M16 5v14",
  resume: "M8 5v14l11-7Z",
  mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3",
  micOff: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3M4 4l16 16",
  keys: "M6 6h.01M12 6h.01M18 6h.01M6 12h.01M12 12h.01M18 12h.01M6 18h.01M12 18h.01M18 18h.01",
  video: "M3 7.500A1.5 1.5 0 0 1 4.5 6h9A1.5 1.5 0 0 1 15 7.500v9a1.5 1.5 0 0 1-1.5 1.500h-9A1.5 1.5 0 0 1 3 16.500ZM15 10.500l6-3v9l-6-3",
  info: "M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 11v5M12 7.800h.01",
  erase: "M9 6h10.500A1.5 1.5 0 0 1 21 7.500v9a1.5 1.5 0 0 1-1.5 1.500H9l-6-6ZM12 9.500l5 5M17 9.500l-5 5",
  out: "M7 17 17 7M9 7h8v8",
  in: "M17 7 7 17M15 17H7V9",
  sound: "M4 10v4h3.500L12 18V6L7.5 10ZM15.5 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11"
};
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const filled = name === "phone" || name === "hangUp" || name === "resume";
  const attributes = {
    viewBox: "0 0 24 24",
    fill: filled ? "currentColor" : "none",
    stroke: filled ? "none" : "currentColor",
    "stroke-width": name === "keys" ? "3" : "1.8",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    focusable: "false"
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
var letters = {
  2: "ABC",
  3: "DEF",
  4: "GHI",
  5: "JKL",
  6: "MNO",
  7: "PQRS",
  8: "TUV",
  9: "WXYZ",
  0: "+"
};
function keypad(press) {
  return [..."123456789*0#"].map(
    (key) => h(
      "button",
      {
        class: "key",
        type: "button",
        data: { key },
        aria: { label: key === "*" ? "star" : key === "#" ? "hash" : key },
        on: { click: () => press(key) }
      },
      key,
      h("small", {}, letters[key] ?? "")
    )
  );
}
function say(sentence) {
  const said = byId("said");
  said.textContent = said.textContent === sentence ? `${sentence} ` : sentence;
}
function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1e3));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => at === 0 ? `${part}` : `${part}`.padStart(2, "0")).join(":");
}

// demo/levels.ts
import { Meter } from "./crosspoint.js";
var bars = /* @__PURE__ */ new Set();
var context;
var drawing = false;
function showLevel(stream, element) {
  if (stream.getAudioTracks().length === 0 || typeof AudioContext !== "function") return () => {
  };
  context ??= new AudioContext();
  void context.resume();
  const bar = { meter: new Meter(stream, context), element };
  bars.add(bar);
  draw();
  return () => {
    bars.delete(bar);
    bar.meter.close();
    element.style.setProperty("--level", "0%");
  };
}
function draw() {
  if (drawing || bars.size === 0) return;
  drawing = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = () => {
    drawing = false;
    for (const { meter, element } of bars) {
      element.style.setProperty("--level", `${Math.round(meter.level() * 100)}%`);
    }
    draw();
  };
  if (calm) setTimeout(next, 400);
  else requestAnimationFrame(next);
}

// demo/card.ts
function nameOf(call) {
  if (call.peerName) return call.peerName;
  if (call.peer === "echo") return "Echo phone";
  const join = /^join:(.*)/.exec(call.peer);
  if (join) return `Meeting “${join[1]}”`;
  return call.peer.replace(/^(sips?|tel|user|xmpp):/, "").replace(/@.*/, "") || "Somebody";
}
function stateWords(call) {
  switch (call.state) {
    case "preparing":
      return { text: "Waiting for your microphone…", tone: "" };
    case "calling":
      return call.peer.startsWith("join:") ? { text: "Waiting for the other one to say the same word…", tone: "" } : { text: "Calling…", tone: "" };
    case "ringing":
      return { text: "Ringing…", tone: "" };
    case "early":
      return { text: "Ringing, with sound from the other side…", tone: "" };
    case "incoming":
      return { text: call.offersVideo ? "is calling, with video" : "is calling", tone: "" };
    case "answering":
      return { text: "Connecting…", tone: "" };
    case "established":
      return inCall(call);
    case "ended":
      return { text: call.ending?.words.what ?? "The call has ended.", tone: "" };
  }
}
function inCall(call) {
  switch (call.path) {
    case "interrupted":
      return { text: "The sound is interrupted; looking for another way…", tone: "warn" };
    case "failed":
      return { text: "No way for the sound; trying again…", tone: "warn" };
    case "new":
    case "connecting":
      return { text: "Connecting the sound…", tone: "" };
    case "connected":
      break;
  }
  if (call.held.here && call.held.there) return { text: "On hold, on both sides", tone: "warn" };
  if (call.held.here) return { text: "On hold", tone: "warn" };
  if (call.held.there) return { text: "The other side has put you on hold", tone: "warn" };
  return { text: call.muted ? "In call, you are muted" : "In call", tone: "good" };
}
function trouble(error) {
  const words = error instanceof Fault ? error.words : mediaWords(error);
  return words.next ? `${words.what} ${words.next}` : words.what;
}
var Card = class {
  element;
  #call;
  #sounds;
  #options;
  #state = h("p", { class: "state" });
  #time = h("div", { class: "time", aria: { label: "Duration" } });
  #trouble = h("p", { class: "trouble", hidden: true });
  #acts = h("div", { class: "acts" });
  #keys;
  #pressed = h("p", { class: "pressed", aria: { live: "off" } });
  #facts = h("dl", { class: "facts" });
  #details;
  #audio = h("audio");
  #video = h("video");
  #own = h("video", { class: "own", aria: { label: "Your camera" } });
  #pictures;
  #levels;
  #heard = h("i");
  #spoken = h("i");
  #hear;
  #stopHeard;
  #stopSpoken;
  #shown = [];
  #said = "";
  constructor(call, sounds2, options2) {
    this.#call = call;
    this.#sounds = sounds2;
    this.#options = options2;
    const name = nameOf(call);
    this.#keys = h(
      "div",
      { class: "more", hidden: true },
      this.#pressed,
      h(
        "div",
        { class: "keypad", aria: { label: `Keys for ${name}` } },
        ...keypad((key) => this.press(key))
      )
    );
    this.#details = h("div", { class: "more", hidden: true }, this.#facts);
    this.#video.playsInline = this.#own.playsInline = this.#own.muted = true;
    this.#video.muted = true;
    this.#video.setAttribute("aria-label", `Pictures of ${name}`);
    this.#pictures = h("div", { class: "pictures", hidden: true }, this.#video, this.#own);
    this.#levels = h(
      "div",
      { class: "levels", hidden: true, aria: { hidden: "true" } },
      h("div", { class: "level" }, "You hear", h("div", { class: "bar" }, this.#heard)),
      h("div", { class: "level" }, "You say", h("div", { class: "bar" }, this.#spoken))
    );
    this.#hear = h(
      "button",
      { class: "act go-on", type: "button", hidden: true, on: { click: () => this.#play() } },
      icon("sound"),
      "Press to hear the call"
    );
    const address = call.peer === name ? "" : call.peer;
    this.element = h(
      "article",
      { class: "card one", data: { call: call.id }, aria: { label: `Call with ${name}` } },
      h(
        "div",
        { class: "who" },
        h("div", { class: "face", aria: { hidden: "true" } }, initial(name)),
        h(
          "div",
          { class: "words" },
          h("p", { class: "name" }, name),
          address ? h("p", { class: "address" }, address) : "",
          this.#state
        ),
        this.#time
      ),
      this.#pictures,
      this.#levels,
      this.#trouble,
      this.#acts,
      this.#keys,
      this.#details,
      this.#audio
    );
    this.element.tabIndex = -1;
    call.on("state", () => this.show());
    call.on("media", () => this.show());
    call.on("path", () => this.show());
    call.on("stream", () => this.#wire());
    call.on("fault", (fault) => this.#warn(fault));
    call.on("dtmf", ({ digit }) => say(`${name} pressed ${digit}`));
    this.show();
  }
  /** Presses a key in the call. */
  press(key) {
    this.#sounds.key(key);
    this.#pressed.textContent = `${this.#pressed.textContent ?? ""}${key}`.slice(-24);
    this.#call.dtmf(key).catch((error) => this.#warn(error));
  }
  /** Every second: the duration, and the details where they are open. */
  tick(now) {
    const since = this.#call.state === "established" ? this.#call.since : void 0;
    this.#time.textContent = since === void 0 ? "" : clock(now - since);
    if (!this.#details.hidden) void this.#call.details().then((found) => this.#tell(found));
  }
  show() {
    const call = this.#call;
    const { text, tone } = stateWords(call);
    this.element.dataset.state = call.state;
    this.element.dataset.path = call.path;
    this.#state.textContent = text;
    this.#state.dataset.tone = tone;
    if (this.#said !== text) {
      this.#said = text;
      say(call.state === "incoming" ? `${nameOf(call)} ${text}` : `${nameOf(call)}: ${text}`);
    }
    this.#showActs();
    this.#showPictures();
    this.#levels.hidden = call.state !== "established" && call.state !== "early";
    this.tick(Date.now());
    if (!this.#stopSpoken && call.localTracks.length > 0) {
      const own = new MediaStream([...call.localTracks]);
      this.#stopSpoken = showLevel(own, this.#spoken);
    }
  }
  close() {
    this.#stopHeard?.();
    this.#stopSpoken?.();
    this.#audio.srcObject = this.#video.srcObject = this.#own.srcObject = null;
    this.element.remove();
  }
  /** What a keyboard reaches first in this card. */
  focus() {
    this.#acts.querySelector("button")?.focus();
  }
  #showActs() {
    const call = this.#call;
    const wanted = [];
    const add = (...act) => wanted.push(act);
    switch (call.state) {
      case "incoming":
        add("answer", "phone", "Answer", "go-on", () => this.answer(false));
        if (call.offersVideo) {
          add("answer-video", "video", "With video", "go-on", () => this.answer(true));
        }
        add("decline", "hangUp", "Decline", "stop", () => call.reject());
        break;
      case "established": {
        const { here } = call.held;
        add(
          "hold",
          here ? "resume" : "hold",
          here ? "Resume" : "Hold",
          here ? "on" : "",
          () => this.#hold()
        );
        add(
          "mute",
          call.muted ? "micOff" : "mic",
          call.muted ? "Unmute" : "Mute",
          call.muted ? "on" : "",
          () => call.mute(!call.muted)
        );
        add("keys", "keys", "Keypad", "", () => this.#toggle(this.#keys), {
          expanded: String(!this.#keys.hidden)
        });
        add("video", "video", "Video", "", () => this.#film(), {
          pressed: String(call.sendsVideo)
        });
        add("details", "info", "Details", "", () => this.#toggle(this.#details), {
          expanded: String(!this.#details.hidden)
        });
        add("end", "hangUp", "Hang up", "stop", () => call.end());
        break;
      }
      case "early":
        add("keys", "keys", "Keypad", "", () => this.#toggle(this.#keys), {
          expanded: String(!this.#keys.hidden)
        });
        add("cancel", "hangUp", "Cancel", "stop", () => call.end());
        break;
      case "preparing":
      case "calling":
      case "ringing":
      case "answering":
        add("cancel", "hangUp", "Cancel", "stop", () => call.end());
        break;
      case "ended":
        break;
    }
    this.#fill(wanted);
  }
  /** Renews the buttons, and keeps the focus where it was. */
  #fill(wanted) {
    const focused = document.activeElement;
    const had = this.#acts.contains(focused) ? focused.dataset.action : void 0;
    const buttons = wanted.map(
      ([action, picture, text, name, click, aria = {}]) => h(
        "button",
        {
          class: `act ${name}`,
          type: "button",
          data: name === "on" ? { action, on: "" } : { action },
          aria,
          on: { click }
        },
        icon(picture),
        text
      )
    );
    this.#acts.replaceChildren(this.#hear, ...buttons);
    if (had === void 0) return;
    const same = buttons.find((button) => button.dataset.action === had);
    (same ?? this.element).focus();
  }
  answer(video2) {
    const wish = { audio: this.#options.audio, video: video2 };
    this.#call.accept(wish).catch((error) => this.#warn(error));
  }
  #hold() {
    const { here } = this.#call.held;
    const done = here ? this.#call.resume() : this.#call.hold();
    done.catch((error) => this.#warn(error));
  }
  #film() {
    const done = this.#call.sendsVideo ? this.#call.removeVideo() : this.#call.addVideo();
    done.then(() => this.show()).catch((error) => this.#warn(error));
  }
  #toggle(part) {
    part.hidden = !part.hidden;
    this.show();
    if (!part.hidden && part === this.#keys) part.querySelector("button")?.focus();
  }
  #warn(error) {
    if (this.#call.state === "ended") return;
    this.#trouble.textContent = trouble(error);
    this.#trouble.hidden = false;
    say(this.#trouble.textContent);
    setTimeout(() => this.#trouble.hidden = true, 12e3);
  }
  // --- sound and pictures ---
  #wire() {
    const stream = this.#call.remoteStream;
    const tracks = stream.getTracks();
    const same = tracks.length === this.#shown.length && tracks.every((t, at) => t === this.#shown[at]);
    if (!same) {
      this.#shown = tracks;
      this.#audio.srcObject = new MediaStream(stream.getAudioTracks());
      this.#stopHeard?.();
      this.#stopHeard = showLevel(stream, this.#heard);
      this.#play();
    }
    this.show();
  }
  /** Some browsers want a press of a button first. */
  #play() {
    this.#audio.play().then(
      () => this.#hear.hidden = true,
      (error) => {
        this.#hear.hidden = error.name !== "NotAllowedError";
      }
    );
  }
  #showPictures() {
    const theirs = this.#call.receivesVideo ? this.#call.remoteStream.getVideoTracks() : [];
    const ours = this.#call.localTracks.filter(({ kind }) => kind === "video");
    attach(this.#video, theirs);
    attach(this.#own, [...ours]);
    this.#pictures.hidden = theirs.length + ours.length === 0;
    this.#pictures.classList.toggle("alone", theirs.length === 0);
  }
  #tell(found) {
    const facts = [
      [
        "Here",
        found?.local && `${found.local.type} ${found.local.protocol} ${found.local.address}`
      ],
      ["There", found?.remote && `${found.remote.type} ${found.remote.address}`],
      ["Codec out", found?.sending],
      ["Codec in", found?.receiving],
      ["Round trip", found?.roundTripMs === void 0 ? void 0 : `${found.roundTripMs} ms`],
      ["Sent", found && `${kilobytes(found.bytesSent)}`],
      ["Received", found && `${kilobytes(found.bytesReceived)}, ${found.packetsLost} packets lost`],
      ["Encryption", found?.cipher],
      ["Call", this.#call.id]
    ];
    const known = facts.filter(([, value]) => value !== void 0);
    this.#facts.replaceChildren(
      ...known.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value ?? "")])
    );
  }
};
function attach(element, tracks) {
  const now = element.srcObject instanceof MediaStream ? element.srcObject.getTracks() : [];
  element.hidden = tracks.length === 0;
  if (now.length === tracks.length && now.every((track, at) => track === tracks[at])) return;
  element.srcObject = tracks.length > 0 ? new MediaStream(tracks) : null;
  if (tracks.length > 0) element.play().catch(() => {
  });
}
function initial(name) {
  return (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? "?").toUpperCase();
}
function kilobytes(bytes) {
  return `${Math.round(bytes / 1e3).toLocaleString("en")} kB`;
}
function endLine(call) {
  const { what, next } = call.ending?.words ?? endWords("normal");
  return call.ending?.by === "local" && call.ending.cause === "cancelled" ? "You gave up." : next ? `${what} ${next}` : what;
}

// demo/options.ts
function readOptions(search) {
  const parameters = new URLSearchParams(search);
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return {
    // As it is, for music and for measuring tones.
    audio: parameters.get("audio") === "raw" ? raw : true,
    debug: parameters.has("debug")
  };
}

// demo/kept.ts
var Kept = class {
  get name() {
    return read(() => localStorage, "name") ?? "";
  }
  set name(name) {
    write(() => localStorage, "name", name);
  }
  get token() {
    return read(() => sessionStorage, "token") ?? void 0;
  }
  set token(token) {
    write(() => sessionStorage, "token", token);
  }
};
function read(store, key) {
  try {
    return store().getItem(key) ?? void 0;
  } catch {
    return void 0;
  }
}
function write(store, key, value) {
  try {
    if (value === "") store().removeItem(key);
    else store().setItem(key, value);
  } catch {
  }
}

// demo/page.ts
var options = readOptions(location.search);
var crosspoint = new Crosspoint();
var sounds = new Sounds();
var kept = new Kept();
var cards = /* @__PURE__ */ new Map();
var lastCall;
var PAST_MAX = 8;
var to = byId("to");
var toError = byId("to-error");
var video = byId("video");
var dialog = byId("sign-in");
var nameField = byId("name");
var tokenField = byId("token");
async function connect() {
  const token = kept.token;
  try {
    await crosspoint.connect({ ...token ? { token } : {}, client: "crosspoint-demo/0.1.0" });
  } catch (error) {
    const code = error instanceof Fault2 ? error.code : "internal";
    const wantsToken = code === "not_authenticated" || code === "token_invalid" || code === "token_expired";
    if (wantsToken) signIn(token ? trouble(error) : "This gateway asks who you are: give a token.");
  }
}
function showConnection(state, fault) {
  const banner = byId("banner");
  const text = byId("banner-text");
  const action = byId("banner-action");
  byId("dot").dataset.state = state;
  document.body.dataset.connection = state;
  byId("you-text").textContent = youText(state);
  banner.hidden = state === "connected" || state === "idle" || !wasConnected(state, fault);
  banner.dataset.kind = state === "closed" ? "final" : "passing";
  action.hidden = state !== "closed";
  if (state === "closed") {
    const words = errorWords(fault?.code ?? "not_authenticated");
    text.textContent = fault ? `${words.what} ${words.next ?? ""}` : "You have left.";
    action.textContent = fault?.code === "superseded" ? "Connect here" : "Connect again";
    action.onclick = () => {
      if (fault && /^(token|not_auth)/.test(fault.code)) signIn(words.what);
      else void connect();
    };
  } else if (state === "reconnecting") {
    const going = crosspoint.calls.size > 0;
    text.textContent = `Connection lost, reconnecting…${going ? " The call goes on." : ""}`;
  } else if (state === "connecting") {
    const why = fault ? errorWords(fault.code).what : "The gateway does not answer.";
    text.textContent = `${why} Trying again…`;
  } else {
    byId("gateway").textContent = crosspoint.gateway ?? "";
  }
}
function wasConnected(state, fault) {
  return state !== "connecting" || fault !== void 0 || attempts > 1;
}
var attempts = 0;
function youText(state) {
  switch (state) {
    case "connected":
      return kept.name || crosspoint.user || "You";
    case "connecting":
      return "Connecting…";
    case "reconnecting":
      return "Reconnecting…";
    case "idle":
    case "closed":
      return "Not connected";
  }
}
crosspoint.on("state", ({ state, fault, retryInMs }) => {
  if (retryInMs !== void 0) attempts += 1;
  if (state === "connected") attempts = 0;
  showConnection(state, fault);
});
crosspoint.on("fault", (fault) => console.warn(`crosspoint: ${fault.code}: ${fault.message}`));
function signIn(why) {
  const reason = byId("sign-in-why");
  reason.hidden = why === void 0;
  reason.textContent = why ?? "";
  nameField.value = kept.name;
  tokenField.value = kept.token ?? "";
  byId("token-optional").hidden = why !== void 0;
  if (!dialog.open) dialog.showModal();
  (why === void 0 ? nameField : tokenField).focus();
}
byId("you").addEventListener("click", () => signIn());
byId("sign-in-cancel").addEventListener("click", () => dialog.close());
byId("sign-in-form").addEventListener("submit", () => {
  const token = tokenField.value.trim();
  const changed = token !== (kept.token ?? "");
  kept.name = nameField.value.trim();
  kept.token = token;
  if (crosspoint.state === "connected" && !changed) return showConnection("connected");
  void crosspoint.disconnect().then(connect);
});
function dial(target, withVideo) {
  const number = target.trim();
  toError.hidden = true;
  const problem = number === "" ? "Whom to call? Dial a name or a number." : /^(join|user):$/.test(number) ? `Add a ${number === "join:" ? "word that both of you know" : "name"} after “${number}”.` : crosspoint.state === "connected" || crosspoint.state === "reconnecting" ? void 0 : "Not connected: wait a moment, or sign in.";
  if (problem) {
    complain(problem);
    return to.focus();
  }
  const { audio } = options;
  const displayName = kept.name;
  crosspoint.call(number, { audio, video: withVideo, ...displayName ? { displayName } : {} });
}
function complain(problem) {
  toError.textContent = problem;
  toError.hidden = false;
}
byId("call").append(icon("phone"), "Call");
video.append(icon("video"));
byId("erase").append(icon("erase"));
byId("empty-art").append(icon("phone"));
byId("keypad").append(
  ...keypad((key) => {
    sounds.key(key);
    to.value = to.value === "echo" ? key : to.value + key;
    markQuick();
  })
);
byId("erase").addEventListener("click", () => {
  to.value = to.value.slice(0, -1);
  markQuick();
  to.focus();
});
byId("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  dial(to.value, video.getAttribute("aria-pressed") === "true");
});
video.addEventListener("click", () => {
  video.setAttribute("aria-pressed", String(video.getAttribute("aria-pressed") !== "true"));
});
to.addEventListener("input", markQuick);
for (const quick of document.querySelectorAll("[data-to]")) {
  quick.addEventListener("click", () => {
    to.value = quick.dataset.to ?? "";
    markQuick();
    if (to.value.endsWith(":")) {
      to.focus();
      to.setSelectionRange(to.value.length, to.value.length);
    } else {
      byId("call").focus();
    }
  });
}
function markQuick() {
  toError.hidden = true;
  const value = to.value;
  for (const quick of document.querySelectorAll("[data-to]")) {
    const target = quick.dataset.to ?? "";
    const chosen = target.endsWith(":") ? value.startsWith(target) : value === target;
    quick.setAttribute("aria-pressed", String(chosen));
  }
  const help = value.startsWith("join:") ? "Two who give the same word are connected." : value.startsWith("user:") ? "Rings at every page of this person." : value === "echo" ? "Sends your own voice back to you." : "A name or a number. Enter calls.";
  byId("to-help").textContent = help;
}
crosspoint.on("call", (call) => {
  lastCall = call;
  const card = new Card(call, sounds, options);
  cards.set(call, card);
  byId("calls").prepend(card.element);
  call.on("state", ring);
  call.on("ended", () => over(call));
  showCount();
  ring();
  if (call.state === "incoming" && document.activeElement === document.body) card.focus();
});
function over(call) {
  const card = cards.get(call);
  const hadFocus = card?.element.contains(document.activeElement);
  cards.delete(call);
  card?.close();
  say(`${nameOf(call)}: ${endLine(call)}`);
  remember(call);
  const failed = call.direction === "outgoing" && call.since === void 0;
  if (failed && call.ending?.by !== "local") complain(`${nameOf(call)}: ${endLine(call)}`);
  if (call.ending?.cause === "media") complain(endLine(call));
  showCount();
  ring();
  if (call.ending?.cause === "busy" && call.ending.by !== "local") beep();
  if (hadFocus) byId("call").focus();
}
function remember(call) {
  const lasted = call.since === void 0 ? "" : ` ${clock(Date.now() - call.since)}.`;
  const missed = call.direction === "incoming" && call.since === void 0;
  const time = h("time", {}, (/* @__PURE__ */ new Date()).toLocaleTimeString([], { timeStyle: "short" }));
  const back = call.peer;
  const line = h(
    "li",
    missed ? { data: { missed: "" } } : {},
    h("span", { class: "way" }, icon(call.direction === "incoming" ? "in" : "out")),
    h(
      "div",
      { class: "what" },
      h("p", { class: "whom" }, nameOf(call)),
      h("p", { class: "how" }, `${missed ? "Missed. " : ""}${endLine(call)}${lasted}`)
    ),
    time,
    h(
      "button",
      {
        class: "plain",
        type: "button",
        aria: { label: `Call ${nameOf(call)} again` },
        on: { click: () => dial(back, false) }
      },
      "Call"
    )
  );
  const list = byId("past");
  list.prepend(line);
  while (list.children.length > PAST_MAX) list.lastChild?.remove();
  byId("past-part").hidden = false;
}
function showCount() {
  byId("empty").hidden = cards.size > 0;
  byId("calls-title").textContent = cards.size > 1 ? `Calls (${cards.size})` : "Calls";
  document.body.dataset.calls = cards.size > 0 ? "some" : "none";
  const ringing = [...cards.keys()].find(({ state }) => state === "incoming");
  document.title = ringing ? `☎ ${nameOf(ringing)} is calling` : "crosspoint";
}
function ring() {
  const states = [...cards.keys()].map(({ state }) => state);
  if (states.includes("incoming")) sounds.play("ring");
  else if (states.includes("ringing")) sounds.play("ringback");
  else sounds.quiet();
  showCount();
}
function beep() {
  if (cards.size > 0) return;
  sounds.play("busy");
  setTimeout(ring, 2400);
}
document.addEventListener("keydown", (event) => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const focused = [...cards].find(([, card]) => card.element.contains(document.activeElement));
    const [call] = focused ?? [...cards].at(-1) ?? [];
    if (!call) return;
    event.preventDefault();
    return call.end();
  }
  const within = [...cards].find(([, card]) => card.element.contains(document.activeElement));
  if (within?.[0].state === "established" && /^[0-9*#]$/.test(event.key))
    within[1].press(event.key);
});
setInterval(() => {
  const now = Date.now();
  for (const card of cards.values()) card.tick(now);
}, 1e3);
Object.assign(window, { crosspoint });
if (options.debug) {
  Object.assign(window, {
    crosspointPage: {
      get calls() {
        return [...cards.keys()];
      },
      get lastCall() {
        return lastCall;
      }
    }
  });
}
markQuick();
showCount();
if (matchMedia("(hover: hover) and (min-width: 46rem)").matches) {
  to.focus({ preventScroll: true });
  to.select();
}
void connect();
