/** The frames of `crosspoint.v1`: see docs/protocol.md. */

export interface Header { name: string; value: string }
export interface SipStatus { status: number; reason: string }
export type AccountStanding = 'registering' | 'registered' | 'failed' | 'unregistered';
export type CallState = 'calling' | 'ringing' | 'established';
export interface CallInfo { call: string; state: CallState; direction: 'incoming' | 'outgoing'; peer: string }
export interface MediaFlow {
  mid?: string; kind: string;
  held_here: boolean; held_there: boolean; sending: boolean; receiving: boolean;
}

/** What the client says. */
export type ClientFrame =
  | { type: 'hello'; token?: string; capabilities: string[]; resume?: { session: string; seq: number }; client?: string }
  | { type: 'token.refresh'; id: string; token: string }
  | { type: 'ack'; ack: number }
  | { type: 'ping'; id?: string; ack?: number }
  | { type: 'account.add'; id: string; account: string; uri?: string; user?: string; password?: string; display_name?: string }
  | { type: 'account.remove'; id: string; account: string }
  | { type: 'call.create'; id: string; call: string; to: string; description?: RTCSessionDescriptionInit; account?: string; display_name?: string; headers?: Header[] }
  | { type: 'call.ring'; id: string; call: string }
  | { type: 'call.progress' | 'call.accept' | 'call.description' | 'call.hold' | 'call.resume'; id: string; call: string; description: RTCSessionDescriptionInit; negotiation?: number }
  | { type: 'call.reject'; id: string; call: string; cause?: 'busy' | 'declined' | 'unavailable' }
  | { type: 'call.end'; id: string; call: string }
  | { type: 'call.candidate'; id?: string; call: string; candidate: RTCIceCandidateInit | null }
  | { type: 'call.dtmf'; id: string; call: string; digits: string; duration_ms?: number };

/** Replies and frames of the hand-shake. */
export interface Welcome {
  type: 'welcome'; session: string; resumed: boolean | 'snapshot'; next_seq: number; user: string;
  accounts: { account: string; state: AccountStanding }[];
  ice_servers: RTCIceServer[];
  limits: { frame_bytes: number; calls: number; candidates: number; frames_per_second: number };
  grace: { ringing_ms: number; answered_ms: number };
  heartbeat_ms: number; expires_in_ms?: number; gateway: string;
}
export interface Sync { type: 'sync'; up_to: number; calls: CallInfo[] }
export interface Result { type: 'result'; id: string; call?: string }
export interface Failure {
  type: 'error'; id?: string; call?: string; code: string; retry: 'never' | 'now' | 'after';
  retry_after_ms?: number; detail?: string; message: string;
}
export interface Pong { type: 'pong'; id?: string }

/** Events: each with a number, from 1, without gaps. */
export type CallEvent =
  | { type: 'call.incoming'; call: string; from: { uri: string; display_name?: string }; to: string; need: 'answer' | 'offer'; description?: RTCSessionDescriptionInit; negotiation?: number; headers?: Header[] }
  | { type: 'call.ringing'; call: string }
  | { type: 'call.progress'; call: string; description: RTCSessionDescriptionInit; dialog: number; negotiation: number }
  | { type: 'call.accepted'; call: string; description?: RTCSessionDescriptionInit; negotiation?: number }
  | { type: 'call.description'; call: string; description: RTCSessionDescriptionInit; negotiation?: number; code?: string }
  | { type: 'call.offer_requested'; call: string }
  | { type: 'call.candidate'; call: string; candidate: RTCIceCandidateInit }
  | { type: 'call.media'; call: string; media: MediaFlow[] }
  | { type: 'call.dtmf'; call: string; digit: string; duration_ms: number }
  | { type: 'call.ended'; call: string; cause: string; by: 'local' | 'remote' | 'gateway'; sip?: SipStatus; message: string };
export type GatewayEvent = (
  | CallEvent
  | { type: 'account.state'; account: string; state: AccountStanding; cause?: string; sip?: SipStatus; retry_in_ms?: number }
  | { type: 'token.expiring'; expires_in_ms: number }
) & { seq: number };

export type ServerFrame = Welcome | Sync | Result | Failure | Pong | GatewayEvent;

/** A request that the gateway refused. */
export class Refused extends Error {
  constructor(readonly frame: Failure) {
    super(frame.message);
    this.name = 'Refused';
  }
  get code(): string { return this.frame.code; }
}
