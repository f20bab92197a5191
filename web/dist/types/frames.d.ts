/**
 * The frames of `crosspoint.v1`, as types: what goes over the WebSocket, one JSON object a frame.
 * `docs/protocol.md` of the gateway is the contract; `shapes.ts` checks the same at run time.
 */
/** What a page's `RTCPeerConnection` gives and takes; a rollback has no text. */
export interface Description {
    type: "offer" | "answer" | "pranswer" | "rollback";
    sdp?: string;
}
/** As `RTCIceCandidateInit`; an empty `candidate` ends its section, `null` all of them. */
export interface Candidate {
    candidate?: string | null;
    sdpMid?: string | null;
    sdpMLineIndex?: number | null;
    usernameFragment?: string | null;
}
/** A header field that the operator lets through. */
export interface Header {
    name: string;
    value: string;
}
/** What SIP said, where SIP was asked. */
export interface SipStatus {
    status: number;
    reason: string;
}
/** Why a call ended. A closed list; a page shows `endWords(cause)`. */
export type Cause = "normal" | "cancelled" | "answered_elsewhere" | "busy" | "declined" | "no_answer" | "not_found" | "unavailable" | "unreachable" | "no_common_codec" | "not_acceptable" | "forbidden" | "overloaded" | "misbehaved" | "timeout" | "draining" | "moved" | "internal";
/** What is wrong with a request. A closed list; a page shows `errorWords(code)`. */
export type ErrorCode = "bad_frame" | "too_large" | "too_deep" | "rate_limited" | "unsupported" | "not_authenticated" | "forbidden" | "token_invalid" | "token_expired" | "superseded" | "unknown_call" | "not_your_call" | "conflict" | "bad_state" | "bad_address" | "not_found" | "bad_description" | "bad_answer" | "bad_candidate" | "bad_header" | "too_many_calls" | "too_many_candidates" | "unknown_account" | "account_refused" | "overloaded" | "draining" | "internal";
/** How an account stands. */
export type AccountStanding = "registering" | "registered" | "failed" | "unregistered";
/** An account of the client. */
export interface Account {
    account: string;
    state: AccountStanding;
    uri?: string;
    cause?: string;
    sip?: SipStatus;
    retry_in_ms?: number;
}
/** A call, as `sync` tells it. */
export interface CallInfo {
    call: string;
    state: "calling" | "ringing" | "early" | "established";
    direction: "incoming" | "outgoing";
    peer?: string;
    need?: Need;
}
/** What the client has to send to accept a call. */
export type Need = "answer" | "offer" | "nothing";
/** One media section: who holds, and what flows. */
export interface MediaInfo {
    mid?: string;
    kind: string;
    held_here: boolean;
    held_there: boolean;
    sending: boolean;
    receiving: boolean;
}
/** A STUN or TURN server, as `RTCIceServer`. */
export interface IceServer {
    urls: string | string[];
    username?: string;
    credential?: string;
}
interface Acknowledging {
    /** The `seq` of the last event that has arrived. */
    ack?: number;
}
interface Request extends Acknowledging {
    id: string;
}
interface Describing extends Request {
    call: string;
    description: Description;
    negotiation?: number;
}
export interface Hello extends Acknowledging {
    type: "hello";
    token?: string;
    capabilities: string[];
    resume?: {
        session: string;
        seq: number;
    };
    client?: string;
}
export interface AccountAdd extends Request {
    type: "account.add";
    account: string;
    uri?: string;
    user?: string;
    password?: string;
    display_name?: string;
}
export interface CallCreate extends Request {
    type: "call.create";
    call: string;
    to: string;
    description?: Description;
    account?: string;
    display_name?: string;
    headers?: Header[];
}
export interface CallReject extends Request {
    type: "call.reject";
    call: string;
    cause?: "busy" | "declined" | "unavailable";
}
/** What the client sends. */
export type ClientFrame = Hello | (Request & {
    type: "token.refresh";
    token: string;
}) | {
    type: "ack";
    ack: number;
} | ({
    type: "ping";
    id?: string;
} & Acknowledging) | AccountAdd | (Request & {
    type: "account.remove";
    account: string;
}) | CallCreate | (Request & {
    type: "call.ring";
    call: string;
}) | (Describing & {
    type: "call.progress";
}) | (Describing & {
    type: "call.accept";
}) | CallReject | (Request & {
    type: "call.end";
    call: string;
    cause?: Cause;
}) | (Describing & {
    type: "call.description";
}) | (Acknowledging & {
    type: "call.candidate";
    id?: string;
    call: string;
    candidate: Candidate | null;
}) | (Describing & {
    type: "call.hold";
}) | (Describing & {
    type: "call.resume";
}) | (Request & {
    type: "call.dtmf";
    call: string;
    digits: string;
    duration_ms?: number;
});
export interface Welcome {
    type: "welcome";
    session: string;
    resumed: boolean | "snapshot";
    next_seq: number;
    user: string;
    accounts: Account[];
    ice_servers: IceServer[];
    limits: {
        frame_bytes: number;
        calls: number;
        candidates: number;
        frames_per_second: number;
    };
    grace: {
        ringing_ms: number;
        answered_ms: number;
    };
    heartbeat_ms: number;
    expires_in_ms?: number;
    gateway: string;
}
export interface Sync {
    type: "sync";
    up_to: number;
    calls: CallInfo[];
}
export interface Result {
    type: "result";
    id: string;
    call?: string;
}
export interface ErrorFrame {
    type: "error";
    id?: string;
    call?: string;
    code: ErrorCode;
    retry: "never" | "now" | "after";
    retry_after_ms?: number;
    sip?: SipStatus;
    detail?: unknown;
    message: string;
}
/** Replies and frames of the handshake: without `seq`. */
export type ReplyFrame = Welcome | Sync | Result | ErrorFrame | {
    type: "pong";
    id?: string;
};
interface Numbered {
    /** From 1, without gaps. */
    seq: number;
}
export interface AccountState extends Numbered, Account {
    type: "account.state";
}
export interface CallIncoming extends Numbered {
    type: "call.incoming";
    call: string;
    from: {
        uri: string;
        display_name?: string;
    };
    to: string;
    account?: string;
    need: Need;
    description?: Description;
    negotiation?: number;
    headers?: Header[];
}
export interface CallProgress extends Numbered {
    type: "call.progress";
    call: string;
    description: Description;
    dialog: number;
    negotiation?: number;
}
export interface CallAccepted extends Numbered {
    type: "call.accepted";
    call: string;
    description?: Description;
    negotiation?: number;
}
export interface CallDescription extends Numbered {
    type: "call.description";
    call: string;
    description: Description;
    negotiation?: number;
    code?: string;
}
export interface CallMedia extends Numbered {
    type: "call.media";
    call: string;
    media: MediaInfo[];
}
export interface CallEnded extends Numbered {
    type: "call.ended";
    call: string;
    cause: Cause;
    by: "local" | "remote" | "gateway";
    sip?: SipStatus;
    detail?: unknown;
    message: string;
}
/** Events about one call. */
export type CallEvent = CallIncoming | (Numbered & {
    type: "call.ringing";
    call: string;
}) | CallProgress | CallAccepted | CallDescription | (Numbered & {
    type: "call.offer_requested";
    call: string;
}) | (Numbered & {
    type: "call.candidate";
    call: string;
    candidate: Candidate | null;
}) | CallMedia | (Numbered & {
    type: "call.dtmf";
    call: string;
    digit: string;
    duration_ms: number;
}) | CallEnded;
/** Events: each with `seq`. */
export type EventFrame = AccountState | (Numbered & {
    type: "token.expiring";
    expires_in_ms: number;
}) | CallEvent;
/** What the gateway sends. */
export type ServerFrame = ReplyFrame | EventFrame;
/** A request without its `id`, which the connection gives. */
export type Unnumbered<F> = F extends {
    id?: string;
} ? Omit<F, "id" | "ack"> : never;
/** What `Connection.request` takes: any client frame that has a reply. */
export type RequestFrame = Unnumbered<Exclude<ClientFrame, {
    type: "hello" | "ack" | "ping";
}>>;
/** The subprotocol of the WebSocket. */
export declare const SUBPROTOCOL = "crosspoint.v1";
/** Why the gateway closed a WebSocket. */
export declare const close: {
    readonly binary: 1003;
    readonly badHello: 4400;
    readonly notAuthenticated: 4401;
    readonly forbidden: 4403;
    readonly timeout: 4408;
    readonly superseded: 4409;
    readonly tooMuch: 4413;
    readonly unavailable: 4503;
};
export {};
