/**
 * Checks frames at run time. The tables have one row for each member of each type in `frames.ts`;
 * the compiler refuses a row too many or too few.
 */
import type { Cause, ClientFrame, ErrorCode, EventFrame, ReplyFrame, ServerFrame } from "./frames.js";

type Check = (value: unknown) => boolean;
type Frame = { type: string };
type Members<F> = { [K in Exclude<keyof F, "type">]-?: Check };
type Table<F extends Frame> = { [T in F["type"]]: Members<Extract<F, { type: T }>> };

const object = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const any: Check = () => true;
const name: Check = (value) =>
  typeof value === "string" && /^[!#-[\]-~]{1,64}$/.test(value) && value !== "";
const oneOf =
  (...words: unknown[]): Check =>
  (value) =>
    words.includes(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const members =
  (checks: Record<string, Check>): Check =>
  (value) =>
    object(value) && Object.entries(checks).every(([key, check]) => check(value[key]));

const description: Check = (value) =>
  object(value) &&
  (value.type === "rollback" ||
    (oneOf("offer", "answer", "pranswer")(value.type) && text(value.sdp)));
const candidate = optional(
  members({
    candidate: optional(text),
    sdpMid: optional(text),
    sdpMLineIndex: optional(whole),
    usernameFragment: optional(text),
  }),
);
const headers = optional(list(members({ name: text, value: text })));
const sip = optional(members({ status: whole, reason: text }));
const standing = oneOf("registering", "registered", "failed", "unregistered");
const need = oneOf("answer", "offer", "nothing");
const account = members({ account: text, state: standing, uri: optional(text) });
const causes: readonly Cause[] = [
  ...(["normal", "cancelled", "answered_elsewhere", "busy", "declined", "no_answer"] as const),
  ...(["not_found", "unavailable", "unreachable", "no_common_codec", "not_acceptable"] as const),
  ...(["forbidden", "overloaded", "misbehaved", "timeout", "draining", "moved"] as const),
  "internal",
];
const cause = oneOf(...causes);

/** Whether an error's code is a cause as well, for a call that comes to nothing by it. */
export function isCause(code: string): code is Cause {
  return (causes as readonly string[]).includes(code);
}

/** All error codes. */
export const errorCodes: readonly ErrorCode[] = [
  ...(["bad_frame", "too_large", "too_deep", "rate_limited", "unsupported"] as const),
  ...(["not_authenticated", "forbidden", "token_invalid", "token_expired"] as const),
  ...(["superseded", "unknown_call", "not_your_call", "conflict", "bad_state"] as const),
  ...(["bad_address", "not_found", "bad_description", "bad_answer", "bad_candidate"] as const),
  ...(["bad_header", "too_many_calls", "too_many_candidates", "unknown_account"] as const),
  ...(["account_refused", "overloaded", "draining", "internal"] as const),
];

const ack = optional(whole);
const request = { id: text, ack };
const ofCall = { ...request, call: name };
const describing = { ...ofCall, description, negotiation: optional(whole) };
const event = { seq: whole, call: name };

const clientTable: Table<ClientFrame> = {
  hello: {
    token: optional(text),
    capabilities: list(text),
    resume: optional(members({ session: name, seq: whole })),
    client: optional(text),
    ack,
  },
  "token.refresh": { ...request, token: text },
  ack: { ack: whole },
  ping: { id: optional(text), ack },
  "account.add": {
    ...request,
    account: name,
    uri: optional(text),
    user: optional(text),
    password: optional(text),
    display_name: optional(text),
  },
  "account.remove": { ...request, account: name },
  "call.create": {
    ...ofCall,
    to: text,
    description: optional(description),
    account: optional(text),
    display_name: optional(text),
    headers,
  },
  "call.ring": ofCall,
  "call.progress": describing,
  "call.accept": describing,
  "call.reject": { ...ofCall, cause: optional(oneOf("busy", "declined", "unavailable")) },
  "call.end": { ...ofCall, cause: optional(cause) },
  "call.description": describing,
  "call.candidate": { ...ofCall, id: optional(text), candidate },
  "call.hold": describing,
  "call.resume": describing,
  "call.dtmf": { ...ofCall, digits: text, duration_ms: optional(whole) },
};

const replyTable: Table<ReplyFrame> = {
  welcome: {
    session: name,
    resumed: oneOf(true, false, "snapshot"),
    next_seq: whole,
    user: text,
    accounts: list(account),
    ice_servers: list(
      members({
        urls: (value) => text(value) || list(text)(value),
        username: optional(text),
        credential: optional(text),
      }),
    ),
    limits: members({
      frame_bytes: whole,
      calls: whole,
      candidates: whole,
      frames_per_second: whole,
    }),
    grace: members({ ringing_ms: whole, answered_ms: whole }),
    heartbeat_ms: whole,
    expires_in_ms: optional(whole),
    gateway: text,
  },
  sync: {
    up_to: whole,
    calls: list(
      members({
        call: name,
        state: oneOf("calling", "ringing", "early", "established"),
        direction: oneOf("incoming", "outgoing"),
        peer: optional(text),
        need: optional(need),
      }),
    ),
  },
  result: { id: text, call: optional(name) },
  error: {
    id: optional(text),
    call: optional(text),
    code: oneOf(...errorCodes),
    retry: oneOf("never", "now", "after"),
    retry_after_ms: optional(whole),
    sip,
    detail: any,
    message: text,
  },
  pong: { id: optional(text) },
};

const eventTable: Table<EventFrame> = {
  "account.state": {
    seq: whole,
    account: text,
    state: standing,
    uri: optional(text),
    cause: optional(text),
    sip,
    retry_in_ms: optional(whole),
  },
  "token.expiring": { seq: whole, expires_in_ms: whole },
  "call.incoming": {
    ...event,
    from: members({ uri: text, display_name: optional(text) }),
    to: text,
    account: optional(text),
    need,
    description: optional(description),
    negotiation: optional(whole),
    headers,
  },
  "call.ringing": event,
  "call.progress": { ...event, description, dialog: whole, negotiation: optional(whole) },
  "call.accepted": {
    ...event,
    description: optional(description),
    negotiation: optional(whole),
  },
  "call.description": {
    ...event,
    description,
    negotiation: optional(whole),
    code: optional(text),
  },
  "call.offer_requested": event,
  "call.candidate": { ...event, candidate },
  "call.media": {
    ...event,
    media: list(
      members({
        mid: optional(text),
        kind: text,
        held_here: flag,
        held_there: flag,
        sending: flag,
        receiving: flag,
      }),
    ),
  },
  "call.dtmf": { ...event, digit: text, duration_ms: whole },
  "call.ended": {
    ...event,
    cause,
    by: oneOf("local", "remote", "gateway"),
    sip,
    detail: any,
    message: text,
  },
};

/** All types from the client, and from the gateway. */
export const clientTypes = Object.keys(clientTable);
export const serverTypes = [...Object.keys(replyTable), ...Object.keys(eventTable)];

/** What is wrong with a frame: a sentence that names the member. */
export class BadFrame extends Error {}

/** Whether a frame of the gateway is an event (has a `seq`). */
export function isEvent(frame: ServerFrame): frame is EventFrame {
  return Object.hasOwn(eventTable, frame.type);
}

/**
 * Reads a frame of the gateway.
 *
 * Returns undefined where the type is unknown: such frames come from a newer gateway and are to be
 * ignored. Throws {@link BadFrame} where it is no frame at all.
 */
export function readServerFrame(json: string): ServerFrame | undefined {
  return read<ServerFrame>(json, { ...replyTable, ...eventTable });
}

/** Reads a frame of a client; for gateways in tests. */
export function readClientFrame(json: string): ClientFrame | undefined {
  return read<ClientFrame>(json, clientTable);
}

function read<F>(json: string, table: Record<string, Record<string, Check>>): F | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(json);
  } catch {
    throw new BadFrame("expected one JSON object");
  }
  if (!object(frame) || typeof frame.type !== "string") {
    throw new BadFrame("expected an object with a type");
  }
  const checks = Object.hasOwn(table, frame.type) ? table[frame.type] : undefined;
  if (!checks) return undefined;
  for (const [member, check] of Object.entries(checks)) {
    if (!check(frame[member])) {
      throw new BadFrame(`${frame.type}: the member ${member} is missing or not as expected`);
    }
  }
  return frame as F;
}
