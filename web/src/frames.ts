/**
 * The frames of `crosspoint.v1`, as types: what goes over the WebSocket, one JSON object a frame.
 * Written from `docs/protocol.schema.json` by `npm run frames`, not by hand; `docs/protocol.md`
 * explains it, and `tables.ts` is the same for run time.
 */

/** The subprotocol of the WebSocket. */
export const SUBPROTOCOL = "crosspoint.v1";

/** What a client says. */
export type ClientFrame =
  | Hello
  | TokenRefresh
  | Ack
  | Ping
  | AccountAdd
  | AccountRemove
  | CallCreate
  | CallRing
  | CallProgressRequest
  | CallAccept
  | CallReject
  | CallEnd
  | CallDescriptionRequest
  | CallCandidateRequest
  | CallHold
  | CallResume
  | CallDtmfRequest
  | MessageSend;

/** Replies and frames of the hand-shake: without a `seq`. */
export type ReplyFrame = Welcome | Sync | Result | ErrorFrame | Pong;

/** Events: each with a `seq`, from 1, without gaps. */
export type EventFrame =
  | AccountState
  | TokenExpiring
  | IceServers
  | CallIncoming
  | CallRinging
  | CallProgress
  | CallAccepted
  | CallDescription
  | CallOfferRequested
  | CallCandidate
  | CallMedia
  | CallDtmf
  | CallEnded
  | MessageIncoming
  | MessageDelivered
  | MessageFailed;

/** What the gateway says. */
export type ServerFrame = ReplyFrame | EventFrame;

/** What every frame of the client may have. */
export interface Acknowledging {
  /** The `seq` of the last event that has arrived. */
  ack?: number;
}

/** The first frame of a connection, once. */
export interface Hello extends Acknowledging {
  type: "hello";
  /** What it can do: `trickle`, `pranswer`. Others are ignored. */
  capabilities?: string[];
  /** Its name and version, for logs. */
  client?: string | null;
  /** The session to go on with. */
  resume?: Resume | null;
  /** Who the client is. */
  token?: string | null;
}

/** A new token of the same user. */
export interface TokenRefresh extends Acknowledging {
  type: "token.refresh";
  /** The request. */
  id: string;
  /** The token. */
  token: string;
}

/** Events up to this one have arrived. */
export interface Ack extends Acknowledging {
  type: "ack";
  /** The `seq` of the last event that has arrived. */
  ack: number;
}

/** Still there. */
export interface Ping extends Acknowledging {
  type: "ping";
  /** Comes back in the pong. */
  id?: string | null;
}

/** Registers an account. */
export interface AccountAdd extends Acknowledging {
  type: "account.add";
  /** The request. */
  id: string;
  /** The account's name. */
  account: string;
  /** The name that callees see. */
  display_name?: string | null;
  /** Its password. */
  password?: string | null;
  /** Its address, for an account that the client brings. */
  uri?: string | null;
  /** Its user name for challenges. */
  user?: string | null;
}

/** Takes an account back. */
export interface AccountRemove extends Acknowledging {
  type: "account.remove";
  /** The request. */
  id: string;
  /** The account's name. */
  account: string;
}

/** Makes a call. */
export interface CallCreate extends Acknowledging {
  type: "call.create";
  /** The request. */
  id: string;
  /** The call's id, made by the client; it must not be that of a call the user has now. */
  call: string;
  /** Who is called. */
  to: string;
  /** The account to call as. */
  account?: string | null;
  /** The offer, number 1 of the client; without one the callee makes the offer. */
  description?: Description | null;
  /** The name to show. */
  display_name?: string | null;
  /** Extra header fields, as far as the operator lets them through. */
  headers?: Header[];
}

/** The client rings. */
export interface CallRing extends Acknowledging {
  type: "call.ring";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
}

/** An early answer. */
export interface CallProgressRequest extends Acknowledging {
  type: "call.progress";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** The early answer, of type `pranswer` or `answer`. */
  description: Description;
  /** The number of the offer that it answers. */
  negotiation?: number | null;
}

/** Takes the call. */
export interface CallAccept extends Acknowledging {
  type: "call.accept";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** What `call.incoming` said that is needed: the answer, the offer, or nothing. */
  description?: Description | null;
  /** The number of the offer that it answers, or the offer's own. */
  negotiation?: number | null;
}

/** Does not take the call. */
export interface CallReject extends Acknowledging {
  type: "call.reject";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** Why. */
  cause?: RejectCause;
}

/** Ends the call. */
export interface CallEnd extends Acknowledging {
  type: "call.end";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** Why, for a call that was answered; before the answer it is `cancelled` or `declined`. */
  cause?: Cause;
}

/** An offer, an answer, or a rollback inside the call. */
export interface CallDescriptionRequest extends Acknowledging {
  type: "call.description";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** The description. */
  description: Description;
  /** Of an offer its own number, of an answer that of the offer. */
  negotiation?: number | null;
}

/** A candidate. */
export interface CallCandidateRequest extends Acknowledging {
  type: "call.candidate";
  /** The request; without one there is no `result`. */
  id?: string | null;
  /** The call. */
  call: string;
  /** The candidate; none says that there are no more. */
  candidate?: Candidate | null;
}

/** An offer whose purpose is to hold. */
export interface CallHold extends Acknowledging {
  type: "call.hold";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** The description. */
  description: Description;
  /** Of an offer its own number, of an answer that of the offer. */
  negotiation?: number | null;
}

/** An offer whose purpose is to resume. */
export interface CallResume extends Acknowledging {
  type: "call.resume";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** The description. */
  description: Description;
  /** Of an offer its own number, of an answer that of the offer. */
  negotiation?: number | null;
}

/** Digits, by signaling. */
export interface CallDtmfRequest extends Acknowledging {
  type: "call.dtmf";
  /** The request. */
  id: string;
  /** The call. */
  call: string;
  /** 1 to 32 of `0-9 A-D * #`. */
  digits: string;
  /** How long each is pressed, 40 to 6000; 160 by default. */
  duration_ms?: number | null;
}

/** Sends a text message. */
export interface MessageSend extends Acknowledging {
  type: "message.send";
  /** The request; what becomes of the message is told under it. */
  id: string;
  /** Whom it is for. */
  to: string;
  /** What is written. */
  text: string;
  /** The account to write as. */
  account?: string | null;
}

/** The client is in. */
export interface Welcome {
  type: "welcome";
  /** The session, for a later resume. A secret of the client's. */
  session: string;
  /** Whether an old session goes on. */
  resumed: Resumed;
  /** The number of the next event. */
  next_seq: number;
  /** Who the client is. */
  user: string;
  /** The accounts the client may use. */
  accounts: AccountInfo[];
  /** For `RTCPeerConnection`. */
  ice_servers: IceServer[];
  /** What the client may send. */
  limits: Limits;
  /** How long calls outlive the connection. */
  grace: Grace;
  /** How often the client is to say something. */
  heartbeat_ms: number;
  /** Name and version of the gateway. */
  gateway: string;
  /** When the token ends. */
  expires_in_ms?: number | null;
}

/** The truth after a welcome: events up to here were sent, these calls there are. */
export interface Sync {
  type: "sync";
  /** The `seq` of the last event. */
  up_to: number;
  /** The calls of the session. */
  calls: CallInfo[];
}

/** A request is accepted and recorded. */
export interface Result {
  type: "result";
  /** The request. */
  id: string;
  /** The call, where it is about one. */
  call?: string | null;
}

/** A request, or a frame, is not accepted. */
export interface ErrorFrame {
  type: "error";
  /** The request, where it is one. */
  id?: string | null;
  /** The call, where it is about one. */
  call?: string | null;
  /** What is wrong, for programs. */
  code: ErrorCode;
  /** Whether to try again. */
  retry: Retry;
  /** What is wrong, for people; never to be parsed. */
  message: string;
  /** What exactly is wrong, for programs. */
  detail?: Detail | null;
  /** When. */
  retry_after_ms?: number | null;
}

/** The answer to a ping. */
export interface Pong {
  type: "pong";
  /** What the ping carried. */
  id?: string | null;
}

/** What every event has. */
export interface Numbered {
  /** The number of the event, from 1, without gaps. */
  seq: number;
}

/** How an account stands. */
export interface AccountState extends Numbered {
  type: "account.state";
  /** The account. */
  account: string;
  /** How. */
  state: AccountStanding;
  /** Why it failed, for people. */
  cause?: string | null;
  /** When it is tried again. */
  retry_in_ms?: number | null;
  /** What the registrar said. */
  sip?: SipStatus | null;
}

/** The token ends soon. */
export interface TokenExpiring extends Numbered {
  type: "token.expiring";
  /** When. */
  expires_in_ms: number;
}

/** The servers for `RTCPeerConnection` are others now: for connections from here on. */
export interface IceServers extends Numbered {
  type: "ice.servers";
  /** All of them, in place of those of `welcome`. */
  ice_servers: IceServer[];
}

/** Somebody calls. */
export interface CallIncoming extends Numbered {
  type: "call.incoming";
  /** The call; the gateway made the id. */
  call: string;
  /** Who. */
  from: Caller;
  /** Who was called. */
  to: string;
  /** What the client has to send to accept. */
  need: Need;
  /** The account that was called, where it was one. */
  account?: string | null;
  /** The offer. */
  description?: Description | null;
  /** Header fields that the operator lets through. */
  headers?: Header[];
  /** The offer's number. */
  negotiation?: number | null;
}

/** The callee rings. */
export interface CallRinging extends Numbered {
  type: "call.ringing";
  /** The call. */
  call: string;
}

/** An early answer. */
export interface CallProgress extends Numbered {
  type: "call.progress";
  /** The call. */
  call: string;
  /** The early answer, of type `pranswer`. */
  description: Description;
  /** Which early dialog speaks, from 1. */
  dialog: number;
  /** The number of the client's offer that it answers. */
  negotiation: number;
}

/** The call is answered. */
export interface CallAccepted extends Numbered {
  type: "call.accepted";
  /** The call. */
  call: string;
  /**
   * The answer to the client's offer, or an offer where the client made none; absent where
   * descriptions are exchanged already.
   */
  description?: Description | null;
  /** The number of the offer. */
  negotiation?: number | null;
}

/** An offer, an answer, or a rollback inside the call. */
export interface CallDescription extends Numbered {
  type: "call.description";
  /** The call. */
  call: string;
  /** The description. */
  description: Description;
  /** Why it is a rollback. */
  code?: RollbackCode | null;
  /** The number of the offer. */
  negotiation?: number | null;
  /** What the far end said to the offer, where it was the far end that refused it. */
  sip?: SipStatus | null;
}

/** The client is to send an offer. */
export interface CallOfferRequested extends Numbered {
  type: "call.offer_requested";
  /** The call. */
  call: string;
}

/** A candidate of the other side. */
export interface CallCandidate extends Numbered {
  type: "call.candidate";
  /** The call. */
  call: string;
  /** The candidate. */
  candidate: Candidate;
}

/** What flows and what is held has changed. */
export interface CallMedia extends Numbered {
  type: "call.media";
  /** The call. */
  call: string;
  /** Each media section, in order. */
  media: MediaInfo[];
}

/** The other side pressed a key. */
export interface CallDtmf extends Numbered {
  type: "call.dtmf";
  /** The call. */
  call: string;
  /** The key. */
  digit: string;
  /** For how long. */
  duration_ms: number;
}

/** The call is over. The last event of a call. */
export interface CallEnded extends Numbered {
  type: "call.ended";
  /** The call. */
  call: string;
  /** Why. */
  cause: Cause;
  /** Who ended it. */
  by: EndedBy;
  /** For people, never to be parsed. */
  message: string;
  /** The particulars, for whoever looks for a fault. */
  detail?: string | null;
  /** What the far end said. */
  sip?: SipStatus | null;
}

/** Somebody has written. */
export interface MessageIncoming extends Numbered {
  type: "message.incoming";
  /** Who. */
  from: Caller;
  /** Whom it was for. */
  to: string;
  /** What was written. */
  text: string;
  /** The account that it was for, where it was one. */
  account?: string | null;
}

/** A message of the client has arrived: a program of whom it was for has it. */
export interface MessageDelivered extends Numbered {
  type: "message.delivered";
  /** The request that sent it. */
  id: string;
}

/** A message of the client has not arrived, and will not. */
export interface MessageFailed extends Numbered {
  type: "message.failed";
  /** The request that sent it. */
  id: string;
  /** Why. */
  cause: Cause;
  /** For people, never to be parsed. */
  message: string;
  /** The particulars, for whoever looks for a fault. */
  detail?: string | null;
  /** What the far end said. */
  sip?: SipStatus | null;
}

/** A session to go on with. */
export interface Resume {
  /** The last event that has arrived; 0 where the client remembers none. */
  seq: number;
  /** The session. */
  session: string;
}

/** A description, as `RTCSessionDescriptionInit`. */
export interface Description {
  /** What it is. */
  type: DescriptionType;
  /** The text; absent for a rollback. */
  sdp?: string;
}

/** An extra header field. */
export interface Header {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
}

/**
 * A candidate, as `RTCIceCandidateInit`. Without a candidate, or with an empty one: no more come.
 */
export interface Candidate {
  /** `candidate:…`; empty at the end. */
  candidate?: string | null;
  /** The section's place, from 0. */
  sdpMLineIndex?: number | null;
  /** The section's mid. */
  sdpMid?: string | null;
  /** The ICE generation. */
  usernameFragment?: string | null;
}

/** An account of the client. */
export interface AccountInfo {
  /** Its name. */
  account: string;
  /** How it stands. */
  state: AccountStanding;
  /** Its address, where it is known. */
  uri?: string | null;
}

/** A STUN or TURN server, as `RTCIceServer`. */
export interface IceServer {
  /** Its URLs. */
  urls: string[];
  /** The password. */
  credential?: string | null;
  /** The user. */
  username?: string | null;
}

/** What the client may send. */
export interface Limits {
  /** Bytes of a frame. */
  frame_bytes: number;
  /** Calls of the user at once. */
  calls: number;
  /** Candidates of a call and generation. */
  candidates: number;
  /** Frames a second, in the long run. */
  frames_per_second: number;
  /** Bytes of a text message. */
  text_bytes: number;
}

/** How long calls outlive the connection. */
export interface Grace {
  /** While they ring. */
  ringing_ms: number;
  /** When they are answered. */
  answered_ms: number;
}

/** A call of a session. */
export interface CallInfo {
  /** The call. */
  call: string;
  /** What it is doing. */
  state: CallState;
  /** Who made it. */
  direction: Direction;
  /** What the client has to send: to accept, or where it has accepted, for the caller's offer. */
  need?: Need | null;
  /** The other side. */
  peer?: string | null;
}

/** What exactly is wrong with a description, a candidate, a header. */
export interface Detail {
  /** Which rule is broken: `sdp_syntax`, `no_ice`, `wrong_type` … */
  code: string;
  /** The codecs of this side. */
  ours?: string[];
  /** The codecs of the other side. */
  theirs?: string[];
}

/** A status of SIP. */
export interface SipStatus {
  /** The number. */
  status: number;
  /** The reason phrase. */
  reason: string;
}

/** Who calls. */
export interface Caller {
  /** A URI that can be called back. */
  uri: string;
  /** The name to show. */
  display_name?: string | null;
}

/** What flows on a media section. */
export interface MediaInfo {
  /** `audio`, `video` … */
  kind: string;
  /** The client takes nothing from the other side. */
  held_here: boolean;
  /** The other side takes nothing from the client. */
  held_there: boolean;
  /** The client sends. */
  sending: boolean;
  /** The client receives. */
  receiving: boolean;
  /** The section's mid. */
  mid?: string | null;
}

/** Whether an old session goes on: `true`, `false`, or `"snapshot"`. */
export type Resumed = boolean | SnapshotWord;

/** What a description is (RFC 9429 §4.1.10). */
export type DescriptionType =
  | "offer" // An offer.
  | "answer" // The final answer.
  | "pranswer" // An early answer.
  | "rollback"; // The outstanding offer is taken back.

/** Why a call is not taken. */
export type RejectCause =
  | "busy" // On the phone.
  | "declined" // Not wanted, on no device.
  | "unavailable"; // Not on this device now.

/** Why a call ended, as it is told. */
export type Cause =
  | "normal" // Somebody hung up an established call.
  | "cancelled" // The caller gave up before anybody answered.
  | "answered_elsewhere" // Another device of the callee took the call.
  | "busy" // The callee is on the phone.
  | "declined" // The callee does not want the call.
  | "no_answer" // It rang, and nobody answered in time.
  | "not_found" // There is nobody of that name.
  | "unavailable" // Nobody is there now.
  | "unreachable" // The other network cannot be reached.
  | "no_common_codec" // The two sides have no codec in common.
  | "not_acceptable" // One side cannot use what the other describes.
  | "forbidden" // This call is not allowed.
  | "overloaded" // Too much is going on; try later.
  | "misbehaved" // The other side broke the protocol.
  | "timeout" // One side vanished.
  | "draining" // The gateway is being shut down.
  | "moved" // The callee is to be called elsewhere.
  | "internal"; // The gateway's own fault.

/** The word `snapshot`. */
export type SnapshotWord =
  | "snapshot"; // The word.

/** How an account stands. */
export type AccountStanding =
  | "registering" // Under way.
  | "registered" // Calls come in.
  | "failed" // Not; tried again.
  | "unregistered"; // Not, and not wanted.

/** Who made a call. */
export type Direction =
  | "incoming" // The other side.
  | "outgoing"; // The client.

/** What the client has to send to accept a call. */
export type Need =
  | "answer" // An answer.
  | "offer" // An offer.
  | "nothing"; // Nothing: the caller's offer comes when the call is accepted.

/** What a call is doing, seen by the client. */
export type CallState =
  | "calling" // Asked for; nobody rings yet.
  | "ringing" // It rings, there or here.
  | "early" // There is an early answer.
  | "established"; // Answered.

/** What is wrong with a request or a frame. A closed list. */
export type ErrorCode =
  | "bad_frame" // No JSON, no `type`, or members that do not fit the type.
  | "too_large" // More bytes than `limits.frame_bytes`, or a text of more than `limits.text_bytes`.
  | "too_deep" // Deeper than the configuration allows.
  | "rate_limited" // More frames than `limits.frames_per_second`.
  | "unsupported" // A `type` that this gateway does not know.
  | "not_authenticated" // No token, or not yet welcome.
  | "forbidden" // The token does not allow it.
  | "token_invalid" // The token is not accepted.
  | "token_expired" // The token has ended.
  | "superseded" // Another connection goes on with the session.
  | "unknown_call" // The user has no such call.
  | "not_your_call" // The call is of another session of the user.
  | "conflict" // The id is in use for something else.
  | "bad_state" // Not now: the call is in another state.
  | "bad_address" // `to` is no address.
  | "not_found" // Nobody answers to this address.
  | "bad_description" // A description that cannot be used; `detail.code` says why.
  | "bad_answer" // An answer that does not fit its offer; `detail.code` says why.
  | "bad_candidate" // A candidate that cannot be used.
  | "bad_header" // A header field that cannot be sent.
  | "too_many_calls" // The user has as many calls as he may.
  | "too_many_candidates" // The call has as many candidates as it may.
  | "unknown_account" // The user has no such account.
  | "account_refused" // The account cannot be used as asked.
  | "overloaded" // Too much is going on.
  | "draining" // The gateway is being shut down.
  | "internal"; // The gateway's own fault.

/** Whether to try a request again. */
export type Retry =
  | "never" // It would fail again.
  | "now" // At once.
  | "after"; // After `retry_after_ms`.

/** Why an offer came to nothing. */
export type RollbackCode =
  | "glare" // Another offer was under way and stands.
  | "not_acceptable" // The other side cannot take it; the session stays as it was.
  | "withdrawn" // Whoever made it took it back.
  | "unanswered"; // Nobody answered it in time.

/** Who ended a call. */
export type EndedBy =
  | "local" // This client.
  | "remote" // The other side.
  | "gateway"; // The gateway.
