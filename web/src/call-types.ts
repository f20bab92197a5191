/** The nouns of a call: its states, how it is made, what it tells, how it ends. */
import type { Cause, EndedBy, Header, MediaInfo, Result, SipStatus } from "./frames.js";
import type { RequestFrame } from "./protocol.js";
import type { Environment } from "./environment.js";
import type { Fault } from "./fault.js";
import type { MediaWish } from "./media.js";
import type { CallMemory } from "./memory.js";
import type { PathState } from "./path.js";
import type { Words } from "./words.js";
import type { Call } from "./call.js";

/** What a call is doing. */
export type CallState =
  | "preparing"
  | "calling"
  | "ringing"
  | "early"
  | "incoming"
  | "answering"
  | "established"
  | "ended";

/** How a call ended. */
export interface CallEnd {
  /** `media`: the microphone or camera could not be had. */
  cause: Cause | "media";
  by: EndedBy;
  /** For people: what happened, and what to do. */
  words: Words;
  /** The gateway's own sentence, for logs. */
  message: string;
  sip?: SipStatus;
}

/** How a call is made. */
export interface CallOptions extends MediaWish {
  /** The account to call from. */
  account?: string;
  displayName?: string;
  headers?: Header[];
}

/** What a call tells. Each event's `detail` has the type given here. */
export interface CallEvents {
  state: CallState;
  /** Who holds and what flows has changed: read `held`, `muted`, `media`. */
  media: MediaInfo[];
  /** Tracks of the other side came or went: show `remoteStream`. */
  stream: MediaStream;
  path: PathState;
  /** The other side pressed a key. */
  dtmf: { digit: string; durationMs: number };
  /** Something was refused; the call goes on. */
  fault: Fault;
  ended: CallEnd;
}

/** What a call needs of its client. */
export interface Host {
  readonly environment: Environment;
  configuration(): RTCConfiguration;
  request(frame: RequestFrame): Promise<Result>;
  keep(call: string, more: CallMemory): void;
  kept(call: string): CallMemory;
  over(call: Call): void;
}
