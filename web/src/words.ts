/** Causes and codes in plain words, each with what to do next. */
import type { Cause, ErrorCode } from "./frames.js";

/** A sentence, and the next step where there is one. */
export interface Words {
  what: string;
  next?: string;
}

const ends: Record<Cause, Words> = {
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
    next: "Try again; if it stays so, tell whoever runs the gateway.",
  },
  no_common_codec: {
    what: "The two sides have no sound or picture format in common.",
    next: "Tell whoever runs the gateway: the other side needs Opus, G.711 or G.722.",
  },
  not_acceptable: {
    what: "The two sides could not agree on how to send sound and pictures.",
    next: "Try again without video.",
  },
  forbidden: { what: "This call is not allowed.", next: "Sign in as somebody who may make it." },
  overloaded: { what: "Too much is going on.", next: "Try again in a moment." },
  misbehaved: {
    what: "The other side broke the rules of the protocol.",
    next: "Try again; the gateway's trace of the call says what happened.",
  },
  timeout: { what: "One side vanished.", next: "Check your network and call again." },
  draining: { what: "The gateway is being shut down.", next: "Try again in a minute." },
  moved: { what: "They are to be reached at another address." },
  internal: {
    what: "Something went wrong in the gateway.",
    next: "Try again; the gateway's log says what happened.",
  },
};

const errors: Record<ErrorCode, Words> = {
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
    next: "Go there, or connect here again.",
  },
  unknown_call: { what: "This call is over already." },
  not_your_call: { what: "This call belongs to another of your windows." },
  conflict: { what: "That name is taken already." },
  bad_state: { what: "That cannot be done at this moment of the call." },
  bad_address: {
    what: "This is no address that can be called.",
    next: "Dial a number, a name, or user:… or join:… and a word.",
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
  internal: { what: "Something went wrong in the gateway.", next: "Try again." },
};

/** Why a call ended, in words. */
export function endWords(cause: Cause): Words {
  return ends[cause] ?? ends.internal;
}

/** Why a text message did not arrive, in words. */
export function messageWords(cause: Cause): Words {
  switch (cause) {
    case "not_found":
    case "unavailable":
    case "unreachable":
    case "overloaded":
    case "draining":
    case "moved":
    case "internal":
      return endWords(cause);
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

/** What is wrong with a request, in words. */
export function errorWords(code: ErrorCode): Words {
  return errors[code] ?? errors.internal;
}

/** Why there is no microphone or camera, in words. */
export function mediaWords(error: unknown): Words {
  switch ((error as { name?: string } | null)?.name) {
    case "NotAllowedError":
      return {
        what: "This page may not use your microphone.",
        next: "Allow it in the browser's address bar, then try again.",
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return { what: "There is no microphone or camera.", next: "Connect one, then try again." };
    case "NotReadableError":
    case "AbortError":
      return {
        what: "Another program holds the microphone or camera.",
        next: "Close that program, then try again.",
      };
    case "SecurityError":
    case "TypeError":
      return {
        what: "Browsers give the microphone to safe pages only.",
        next: "Open this page over https, or on localhost.",
      };
    default:
      return { what: "The microphone cannot be used.", next: "Check the browser's settings." };
  }
}
