/**
 * The frames of `crosspoint.v1`, for run time: every member of every frame, and every word. Written
 * from `docs/protocol.schema.json` by `npm run frames`, not by hand; `frames.ts` has the same as
 * types, and the compiler holds one against the other.
 */
import type * as Frames from "./frames.js";
import { anyOf, flag, list, members, none, oneOf, optional, text, whole } from "./checks.js";
import type { Table } from "./checks.js";

/** What a description is (RFC 9429 §4.1.10). */
export const descriptionType = oneOf<Frames.DescriptionType>({
  offer: true,
  answer: true,
  pranswer: true,
  rollback: true,
});

/** Why a call is not taken. */
export const rejectCause = oneOf<Frames.RejectCause>({
  busy: true,
  declined: true,
  unavailable: true,
});

/** Why a call ended, as it is told. */
export const cause = oneOf<Frames.Cause>({
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
  internal: true,
});

/** The word `snapshot`. */
export const snapshotWord = oneOf<Frames.SnapshotWord>({ snapshot: true });

/** How an account stands. */
export const accountStanding = oneOf<Frames.AccountStanding>({
  registering: true,
  registered: true,
  failed: true,
  unregistered: true,
});

/** Who made a call. */
export const direction = oneOf<Frames.Direction>({ incoming: true, outgoing: true });

/** What the client has to send to accept a call. */
export const need = oneOf<Frames.Need>({ answer: true, offer: true, nothing: true });

/** What a call is doing, seen by the client. */
export const callState = oneOf<Frames.CallState>({
  calling: true,
  ringing: true,
  early: true,
  established: true,
});

/** What is wrong with a request or a frame. A closed list. */
export const errorCode = oneOf<Frames.ErrorCode>({
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
  internal: true,
});

/** Whether to try a request again. */
export const retry = oneOf<Frames.Retry>({ never: true, now: true, after: true });

/** Why an offer came to nothing. */
export const rollbackCode = oneOf<Frames.RollbackCode>({
  glare: true,
  not_acceptable: true,
  withdrawn: true,
  unanswered: true,
});

/** Who ended a call. */
export const endedBy = oneOf<Frames.EndedBy>({ local: true, remote: true, gateway: true });

const resumed = anyOf(flag, snapshotWord);

const resume = members({
  seq: whole(),
  session: text,
});

const description = members({
  type: descriptionType,
  sdp: optional(text),
});

const header = members({
  name: text,
  value: text,
});

const candidate = members({
  candidate: optional(anyOf(text, none)),
  sdpMLineIndex: optional(anyOf(whole(65535), none)),
  sdpMid: optional(anyOf(text, none)),
  usernameFragment: optional(anyOf(text, none)),
});

const accountInfo = members({
  account: text,
  state: accountStanding,
  uri: optional(anyOf(text, none)),
});

const iceServer = members({
  urls: list(text),
  credential: optional(anyOf(text, none)),
  username: optional(anyOf(text, none)),
});

const limits = members({
  frame_bytes: whole(),
  calls: whole(),
  candidates: whole(),
  frames_per_second: whole(),
  text_bytes: whole(),
});

const grace = members({
  ringing_ms: whole(),
  answered_ms: whole(),
});

const callInfo = members({
  call: text,
  state: callState,
  direction,
  need: optional(anyOf(need, none)),
  peer: optional(anyOf(text, none)),
});

const detail = members({
  code: text,
  ours: optional(list(text)),
  theirs: optional(list(text)),
});

const sipStatus = members({
  status: whole(65535),
  reason: text,
});

const caller = members({
  uri: text,
  display_name: optional(anyOf(text, none)),
});

const mediaInfo = members({
  kind: text,
  held_here: flag,
  held_there: flag,
  sending: flag,
  receiving: flag,
  mid: optional(anyOf(text, none)),
});

/** What a client says. */
export const clientTable: Table<Frames.ClientFrame> = {
  hello: {
    capabilities: optional(list(text)),
    client: optional(anyOf(text, none)),
    resume: optional(anyOf(resume, none)),
    token: optional(anyOf(text, none)),
    ack: optional(whole()),
  },
  "token.refresh": {
    id: text,
    token: text,
    ack: optional(whole()),
  },
  ack: {
    ack: whole(),
  },
  ping: {
    id: optional(anyOf(text, none)),
    ack: optional(whole()),
  },
  "account.add": {
    id: text,
    account: text,
    display_name: optional(anyOf(text, none)),
    password: optional(anyOf(text, none)),
    uri: optional(anyOf(text, none)),
    user: optional(anyOf(text, none)),
    ack: optional(whole()),
  },
  "account.remove": {
    id: text,
    account: text,
    ack: optional(whole()),
  },
  "call.create": {
    id: text,
    call: text,
    to: text,
    account: optional(anyOf(text, none)),
    description: optional(anyOf(description, none)),
    display_name: optional(anyOf(text, none)),
    headers: optional(list(header)),
    ack: optional(whole()),
  },
  "call.ring": {
    id: text,
    call: text,
    ack: optional(whole()),
  },
  "call.progress": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "call.accept": {
    id: text,
    call: text,
    description: optional(anyOf(description, none)),
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "call.reject": {
    id: text,
    call: text,
    cause: optional(rejectCause),
    ack: optional(whole()),
  },
  "call.end": {
    id: text,
    call: text,
    cause: optional(cause),
    ack: optional(whole()),
  },
  "call.description": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "call.candidate": {
    id: optional(anyOf(text, none)),
    call: text,
    candidate: optional(anyOf(candidate, none)),
    ack: optional(whole()),
  },
  "call.hold": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "call.resume": {
    id: text,
    call: text,
    description,
    negotiation: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "call.dtmf": {
    id: text,
    call: text,
    digits: text,
    duration_ms: optional(anyOf(whole(), none)),
    ack: optional(whole()),
  },
  "message.send": {
    id: text,
    to: text,
    text,
    account: optional(anyOf(text, none)),
    ack: optional(whole()),
  },
};

/** Replies and frames of the hand-shake: without a `seq`. */
export const replyTable: Table<Frames.ReplyFrame> = {
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
    expires_in_ms: optional(anyOf(whole(), none)),
  },
  sync: {
    up_to: whole(),
    calls: list(callInfo),
  },
  result: {
    id: text,
    call: optional(anyOf(text, none)),
  },
  error: {
    id: optional(anyOf(text, none)),
    call: optional(anyOf(text, none)),
    code: errorCode,
    retry,
    message: text,
    detail: optional(anyOf(detail, none)),
    retry_after_ms: optional(anyOf(whole(), none)),
  },
  pong: {
    id: optional(anyOf(text, none)),
  },
};

/** Events: each with a `seq`, from 1, without gaps. */
export const eventTable: Table<Frames.EventFrame> = {
  "account.state": {
    seq: whole(),
    account: text,
    state: accountStanding,
    cause: optional(anyOf(text, none)),
    retry_in_ms: optional(anyOf(whole(), none)),
    sip: optional(anyOf(sipStatus, none)),
  },
  "token.expiring": {
    seq: whole(),
    expires_in_ms: whole(),
  },
  "ice.servers": {
    seq: whole(),
    ice_servers: list(iceServer),
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
    negotiation: optional(anyOf(whole(), none)),
  },
  "call.ringing": {
    seq: whole(),
    call: text,
  },
  "call.progress": {
    seq: whole(),
    call: text,
    description,
    dialog: whole(65535),
    negotiation: whole(),
  },
  "call.accepted": {
    seq: whole(),
    call: text,
    description: optional(anyOf(description, none)),
    negotiation: optional(anyOf(whole(), none)),
  },
  "call.description": {
    seq: whole(),
    call: text,
    description,
    code: optional(anyOf(rollbackCode, none)),
    negotiation: optional(anyOf(whole(), none)),
    sip: optional(anyOf(sipStatus, none)),
  },
  "call.offer_requested": {
    seq: whole(),
    call: text,
  },
  "call.candidate": {
    seq: whole(),
    call: text,
    candidate,
  },
  "call.media": {
    seq: whole(),
    call: text,
    media: list(mediaInfo),
  },
  "call.dtmf": {
    seq: whole(),
    call: text,
    digit: text,
    duration_ms: whole(),
  },
  "call.ended": {
    seq: whole(),
    call: text,
    cause,
    by: endedBy,
    message: text,
    detail: optional(anyOf(text, none)),
    sip: optional(anyOf(sipStatus, none)),
  },
  "message.incoming": {
    seq: whole(),
    from: caller,
    to: text,
    text,
    account: optional(anyOf(text, none)),
  },
  "message.delivered": {
    seq: whole(),
    id: text,
  },
  "message.failed": {
    seq: whole(),
    id: text,
    cause,
    message: text,
    detail: optional(anyOf(text, none)),
    sip: optional(anyOf(sipStatus, none)),
  },
};
