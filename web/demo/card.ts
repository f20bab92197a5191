/** One call, as a card: who, how it stands, what can be done. */
import { Fault, endWords, mediaWords } from "../src/index.js";
import type { Call, CallDetails, Sounds } from "../src/index.js";
import { clock, h, icon, keypad, say } from "./dom.js";
import type { Icon } from "./dom.js";
import { showLevel } from "./levels.js";
import type { PageOptions } from "./options.js";

/** What to call the other side. */
export function nameOf(call: Call): string {
  if (call.peerName) return call.peerName;
  if (call.peer === "echo") return "Echo phone";
  const join = /^join:(.*)/.exec(call.peer);
  if (join) return `Meeting “${join[1]}”`;
  return call.peer.replace(/^(sips?|tel|user|xmpp):/, "").replace(/@.*/, "") || "Somebody";
}

/** How a call stands, in words. */
export function stateWords(call: Call): { text: string; tone: "" | "good" | "warn" } {
  switch (call.state) {
    case "preparing":
      return { text: "Waiting for your microphone…", tone: "" };
    case "calling":
      return call.peer.startsWith("join:")
        ? { text: "Waiting for the other one to say the same word…", tone: "" }
        : { text: "Calling…", tone: "" };
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

function inCall(call: Call): { text: string; tone: "" | "good" | "warn" } {
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

/** What went wrong, in one or two sentences. */
export function trouble(error: unknown): string {
  const words = error instanceof Fault ? error.words : mediaWords(error);
  return words.next ? `${words.what} ${words.next}` : words.what;
}

export class Card {
  readonly element: HTMLElement;
  readonly #call: Call;
  readonly #sounds: Sounds;
  readonly #options: PageOptions;
  readonly #state = h("p", { class: "state" });
  readonly #time = h("div", { class: "time", aria: { label: "Duration" } });
  readonly #trouble = h("p", { class: "trouble", hidden: true });
  readonly #acts = h("div", { class: "acts" });
  readonly #keys: HTMLElement;
  readonly #pressed = h("p", { class: "pressed", aria: { live: "off" } });
  readonly #facts = h("dl", { class: "facts" });
  readonly #details: HTMLElement;
  readonly #audio = h("audio");
  readonly #video = h("video");
  readonly #own = h("video", { class: "own", aria: { label: "Your camera" } });
  readonly #pictures: HTMLElement;
  readonly #levels: HTMLElement;
  readonly #heard = h("i");
  readonly #spoken = h("i");
  readonly #hear: HTMLButtonElement;
  #stopHeard: (() => void) | undefined;
  #stopSpoken: (() => void) | undefined;
  #shown: MediaStreamTrack[] = [];
  #said = "";

  constructor(call: Call, sounds: Sounds, options: PageOptions) {
    this.#call = call;
    this.#sounds = sounds;
    this.#options = options;
    const name = nameOf(call);
    this.#keys = h(
      "div",
      { class: "more", hidden: true },
      this.#pressed,
      h(
        "div",
        { class: "keypad", aria: { label: `Keys for ${name}` } },
        ...keypad((key) => this.press(key)),
      ),
    );
    this.#details = h("div", { class: "more", hidden: true }, this.#facts);
    this.#video.playsInline = this.#own.playsInline = this.#own.muted = true;
    this.#video.muted = true; // The sound comes from the audio element.
    this.#video.setAttribute("aria-label", `Pictures of ${name}`);
    this.#pictures = h("div", { class: "pictures", hidden: true }, this.#video, this.#own);
    this.#levels = h(
      "div",
      { class: "levels", hidden: true, aria: { hidden: "true" } },
      h("div", { class: "level" }, "You hear", h("div", { class: "bar" }, this.#heard)),
      h("div", { class: "level" }, "You say", h("div", { class: "bar" }, this.#spoken)),
    );
    this.#hear = h(
      "button",
      { class: "act go-on", type: "button", hidden: true, on: { click: () => this.#play() } },
      icon("sound"),
      "Press to hear the call",
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
          this.#state,
        ),
        this.#time,
      ),
      this.#pictures,
      this.#levels,
      this.#trouble,
      this.#acts,
      this.#keys,
      this.#details,
      this.#audio,
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
  press(key: string): void {
    this.#sounds.key(key);
    this.#pressed.textContent = `${this.#pressed.textContent ?? ""}${key}`.slice(-24);
    this.#call.dtmf(key).catch((error: unknown) => this.#warn(error));
  }

  /** Every second: the duration, and the details where they are open. */
  tick(now: number): void {
    const since = this.#call.state === "established" ? this.#call.since : undefined;
    this.#time.textContent = since === undefined ? "" : clock(now - since);
    if (!this.#details.hidden) void this.#call.details().then((found) => this.#tell(found));
  }

  show(): void {
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

  close(): void {
    this.#stopHeard?.();
    this.#stopSpoken?.();
    this.#audio.srcObject = this.#video.srcObject = this.#own.srcObject = null;
    this.element.remove();
  }

  /** What a keyboard reaches first in this card. */
  focus(): void {
    this.#acts.querySelector("button")?.focus();
  }

  #showActs(): void {
    const call = this.#call;
    const wanted: [string, Icon, string, string, () => void, Record<string, string>?][] = [];
    const add = (...act: (typeof wanted)[number]) => wanted.push(act);
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
        add("hold", here ? "resume" : "hold", here ? "Resume" : "Hold", here ? "on" : "", () =>
          this.#hold(),
        );
        add(
          "mute",
          call.muted ? "micOff" : "mic",
          call.muted ? "Unmute" : "Mute",
          call.muted ? "on" : "",
          () => call.mute(!call.muted),
        );
        add("keys", "keys", "Keypad", "", () => this.#toggle(this.#keys), {
          expanded: String(!this.#keys.hidden),
        });
        add("video", "video", "Video", "", () => this.#film(), {
          pressed: String(call.sendsVideo),
        });
        add("details", "info", "Details", "", () => this.#toggle(this.#details), {
          expanded: String(!this.#details.hidden),
        });
        add("end", "hangUp", "Hang up", "stop", () => call.end());
        break;
      }
      case "early":
        add("keys", "keys", "Keypad", "", () => this.#toggle(this.#keys), {
          expanded: String(!this.#keys.hidden),
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
  #fill(wanted: [string, Icon, string, string, () => void, Record<string, string>?][]): void {
    const focused = document.activeElement;
    const had = this.#acts.contains(focused) ? (focused as HTMLElement).dataset.action : undefined;
    const buttons = wanted.map(([action, picture, text, name, click, aria = {}]) =>
      h(
        "button",
        {
          class: `act ${name}`,
          type: "button",
          data: name === "on" ? { action, on: "" } : { action },
          aria,
          on: { click },
        },
        icon(picture),
        text,
      ),
    );
    this.#acts.replaceChildren(this.#hear, ...buttons);
    if (had === undefined) return;
    const same = buttons.find((button) => button.dataset.action === had);
    // Never on to another button: a second press of Enter must not end what the first began.
    (same ?? this.element).focus();
  }

  answer(video: boolean): void {
    const wish = { audio: this.#options.audio, video };
    this.#call.accept(wish).catch((error: unknown) => this.#warn(error));
  }

  #hold(): void {
    const { here } = this.#call.held;
    const done = here ? this.#call.resume() : this.#call.hold();
    done.catch((error: unknown) => this.#warn(error));
  }

  #film(): void {
    const done = this.#call.sendsVideo ? this.#call.removeVideo() : this.#call.addVideo();
    done.then(() => this.show()).catch((error: unknown) => this.#warn(error));
  }

  #toggle(part: HTMLElement): void {
    part.hidden = !part.hidden;
    this.show();
    if (!part.hidden && part === this.#keys) part.querySelector("button")?.focus();
  }

  #warn(error: unknown): void {
    if (this.#call.state === "ended") return;
    this.#trouble.textContent = trouble(error);
    this.#trouble.hidden = false;
    say(this.#trouble.textContent);
    setTimeout(() => (this.#trouble.hidden = true), 12_000);
  }

  // --- sound and pictures ---

  #wire(): void {
    const stream = this.#call.remoteStream;
    const tracks = stream.getTracks();
    const same =
      tracks.length === this.#shown.length && tracks.every((t, at) => t === this.#shown[at]);
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
  #play(): void {
    this.#audio.play().then(
      () => (this.#hear.hidden = true),
      (error: unknown) => {
        this.#hear.hidden = (error as DOMException).name !== "NotAllowedError";
      },
    );
  }

  #showPictures(): void {
    const theirs = this.#call.receivesVideo ? this.#call.remoteStream.getVideoTracks() : [];
    const ours = this.#call.localTracks.filter(({ kind }) => kind === "video");
    attach(this.#video, theirs);
    attach(this.#own, [...ours]);
    this.#pictures.hidden = theirs.length + ours.length === 0;
    this.#pictures.classList.toggle("alone", theirs.length === 0);
  }

  #tell(found: CallDetails | undefined): void {
    const facts: [string, string | undefined][] = [
      [
        "Here",
        found?.local && `${found.local.type} ${found.local.protocol} ${found.local.address}`,
      ],
      ["There", found?.remote && `${found.remote.type} ${found.remote.address}`],
      ["Codec out", found?.sending],
      ["Codec in", found?.receiving],
      ["Round trip", found?.roundTripMs === undefined ? undefined : `${found.roundTripMs} ms`],
      ["Sent", found && `${kilobytes(found.bytesSent)}`],
      ["Received", found && `${kilobytes(found.bytesReceived)}, ${found.packetsLost} packets lost`],
      ["Encryption", found?.cipher],
      ["Call", this.#call.id],
    ];
    const known = facts.filter(([, value]) => value !== undefined);
    this.#facts.replaceChildren(
      ...known.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value ?? "")]),
    );
  }
}

function attach(element: HTMLVideoElement, tracks: MediaStreamTrack[]): void {
  const now = element.srcObject instanceof MediaStream ? element.srcObject.getTracks() : [];
  element.hidden = tracks.length === 0;
  if (now.length === tracks.length && now.every((track, at) => track === tracks[at])) return;
  element.srcObject = tracks.length > 0 ? new MediaStream(tracks) : null;
  if (tracks.length > 0) element.play().catch(() => {}); // Muted pictures may always play.
}

function initial(name: string): string {
  return (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? "?").toUpperCase();
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString("en")} kB`;
}

/** How a call ended, in one line for the list. */
export function endLine(call: Call): string {
  const { what, next } = call.ending?.words ?? endWords("normal");
  return call.ending?.by === "local" && call.ending.cause === "cancelled"
    ? "You gave up."
    : next
      ? `${what} ${next}`
      : what;
}
