/** The demo page: a softphone on the library. */
import { Crosspoint, Fault, Sounds, errorWords } from "../src/index.js";
import type { Call, ConnectionState } from "../src/index.js";
import { Card, endLine, nameOf, trouble } from "./card.js";
import { byId, clock, h, icon, keypad, say } from "./dom.js";
import { readOptions } from "./options.js";
import { Kept } from "./kept.js";

const options = readOptions(location.search);
const crosspoint = new Crosspoint();
const sounds = new Sounds();
const kept = new Kept();
const cards = new Map<Call, Card>();
let lastCall: Call | undefined;
/** How many lines of earlier calls are shown. */
const PAST_MAX = 8;

const to = byId<HTMLInputElement>("to");
const toError = byId("to-error");
const video = byId<HTMLButtonElement>("video");
const dialog = byId<HTMLDialogElement>("sign-in");
const nameField = byId<HTMLInputElement>("name");
const tokenField = byId<HTMLInputElement>("token");

// --- the connection ---

async function connect(): Promise<void> {
  const token = kept.token;
  try {
    await crosspoint.connect({ ...(token ? { token } : {}), client: "crosspoint-demo/0.1.0" });
  } catch (error) {
    const code = error instanceof Fault ? error.code : "internal";
    const wantsToken =
      code === "not_authenticated" || code === "token_invalid" || code === "token_expired";
    if (wantsToken) signIn(token ? trouble(error) : "This gateway asks who you are: give a token.");
  }
}

function showConnection(state: ConnectionState, fault?: Fault): void {
  const banner = byId("banner");
  const text = byId("banner-text");
  const action = byId<HTMLButtonElement>("banner-action");
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

/** A first attempt that goes well needs no banner. */
function wasConnected(state: ConnectionState, fault?: Fault): boolean {
  return state !== "connecting" || fault !== undefined || attempts > 1;
}
let attempts = 0;

function youText(state: ConnectionState): string {
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
  if (retryInMs !== undefined) attempts += 1;
  if (state === "connected") attempts = 0;
  showConnection(state, fault);
});
crosspoint.on("fault", (fault) => console.warn(`crosspoint: ${fault.code}: ${fault.message}`));

// --- who you are ---

function signIn(why?: string): void {
  const reason = byId("sign-in-why");
  reason.hidden = why === undefined;
  reason.textContent = why ?? "";
  nameField.value = kept.name;
  tokenField.value = kept.token ?? "";
  byId("token-optional").hidden = why !== undefined;
  if (!dialog.open) dialog.showModal();
  (why === undefined ? nameField : tokenField).focus();
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

// --- dialling ---

function dial(target: string, withVideo: boolean): void {
  const number = target.trim();
  toError.hidden = true;
  const problem =
    number === ""
      ? "Whom to call? Dial a name or a number."
      : /^(join|user):$/.test(number)
        ? `Add a ${number === "join:" ? "word that both of you know" : "name"} after “${number}”.`
        : crosspoint.state === "connected" || crosspoint.state === "reconnecting"
          ? undefined
          : "Not connected: wait a moment, or sign in.";
  if (problem) {
    complain(problem);
    return to.focus();
  }
  const { audio } = options;
  const displayName = kept.name;
  crosspoint.call(number, { audio, video: withVideo, ...(displayName ? { displayName } : {}) });
}

function complain(problem: string): void {
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
    // A number takes the place of a name that nobody typed.
    to.value = to.value === "echo" ? key : to.value + key;
    markQuick();
  }),
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
for (const quick of document.querySelectorAll<HTMLButtonElement>("[data-to]")) {
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

function markQuick(): void {
  toError.hidden = true;
  const value = to.value;
  for (const quick of document.querySelectorAll<HTMLButtonElement>("[data-to]")) {
    const target = quick.dataset.to ?? "";
    const chosen = target.endsWith(":") ? value.startsWith(target) : value === target;
    quick.setAttribute("aria-pressed", String(chosen));
  }
  const help = value.startsWith("join:")
    ? "Two who give the same word are connected."
    : value.startsWith("user:")
      ? "Rings at every page of this person."
      : value === "echo"
        ? "Sends your own voice back to you."
        : "A name or a number. Enter calls.";
  byId("to-help").textContent = help;
}

// --- calls ---

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

function over(call: Call): void {
  const card = cards.get(call);
  const hadFocus = card?.element.contains(document.activeElement);
  cards.delete(call);
  card?.close();
  say(`${nameOf(call)}: ${endLine(call)}`);
  remember(call);
  const failed = call.direction === "outgoing" && call.since === undefined;
  if (failed && call.ending?.by !== "local") complain(`${nameOf(call)}: ${endLine(call)}`);
  if (call.ending?.cause === "media") complain(endLine(call));
  showCount();
  ring();
  if (call.ending?.cause === "busy" && call.ending.by !== "local") beep();
  if (hadFocus) byId("call").focus();
}

function remember(call: Call): void {
  const lasted = call.since === undefined ? "" : ` ${clock(Date.now() - call.since)}.`;
  const missed = call.direction === "incoming" && call.since === undefined;
  const time = h("time", {}, new Date().toLocaleTimeString([], { timeStyle: "short" }));
  const back = call.peer;
  const line = h(
    "li",
    missed ? { data: { missed: "" } } : {},
    h("span", { class: "way" }, icon(call.direction === "incoming" ? "in" : "out")),
    h(
      "div",
      { class: "what" },
      h("p", { class: "whom" }, nameOf(call)),
      h("p", { class: "how" }, `${missed ? "Missed. " : ""}${endLine(call)}${lasted}`),
    ),
    time,
    h(
      "button",
      {
        class: "plain",
        type: "button",
        aria: { label: `Call ${nameOf(call)} again` },
        on: { click: () => dial(back, false) },
      },
      "Call",
    ),
  );
  const list = byId("past");
  list.prepend(line);
  while (list.children.length > PAST_MAX) list.lastChild?.remove();
  byId("past-part").hidden = false;
}

function showCount(): void {
  byId("empty").hidden = cards.size > 0;
  byId("calls-title").textContent = cards.size > 1 ? `Calls (${cards.size})` : "Calls";
  document.body.dataset.calls = cards.size > 0 ? "some" : "none";
  const ringing = [...cards.keys()].find(({ state }) => state === "incoming");
  document.title = ringing ? `☎ ${nameOf(ringing)} is calling` : "crosspoint";
}

/** One sound at a time: what calls here comes first. */
function ring(): void {
  const states = [...cards.keys()].map(({ state }) => state);
  if (states.includes("incoming")) sounds.play("ring");
  else if (states.includes("ringing")) sounds.play("ringback");
  else sounds.quiet();
  showCount();
}

function beep(): void {
  if (cards.size > 0) return;
  sounds.play("busy");
  setTimeout(ring, 2400);
}

// --- the keyboard ---

document.addEventListener("keydown", (event) => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const focused = [...cards].find(([, card]) => card.element.contains(document.activeElement));
    const [call] = focused ?? [...cards].at(-1) ?? [];
    if (!call) return;
    event.preventDefault();
    return call.end();
  }
  // Digits in a call's card are keys of that call.
  const within = [...cards].find(([, card]) => card.element.contains(document.activeElement));
  if (within?.[0].state === "established" && /^[0-9*#]$/.test(event.key))
    within[1].press(event.key);
});

setInterval(() => {
  const now = Date.now();
  for (const card of cards.values()) card.tick(now);
}, 1000);

// For whoever is curious in the console, and for tests: see web/README.md.
Object.assign(window, { crosspoint });
if (options.debug) {
  Object.assign(window, {
    crosspointPage: {
      get calls() {
        return [...cards.keys()];
      },
      get lastCall() {
        return lastCall;
      },
    },
  });
}

markQuick();
showCount();
if (matchMedia("(hover: hover) and (min-width: 46rem)").matches) {
  to.focus({ preventScroll: true }); // Not where that would bring up a keyboard on the screen.
  to.select();
}
void connect();
