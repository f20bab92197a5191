/**
 * What a page keeps for itself after a reload: its session, the last event it saw, and of each call
 * what the gateway will not say again.
 */
import type { Candidate, CallIncoming, Description } from "./frames.js";
import type { Store } from "./environment.js";
/** A media section of a call, by its place. */
export interface Slot {
    kind: string;
    direction: RTCRtpTransceiverDirection;
}
/** An offer that came by itself, with its number. */
export interface FirstOffer {
    description: Description;
    negotiation: number;
}
/** What is kept of a call. */
export interface CallMemory {
    /** The frame that announced it, with the offer. */
    incoming?: CallIncoming;
    /** The candidates that came before it was answered. */
    candidates?: Candidate[];
    /** The caller's offer, where it came when the call was accepted. */
    offer?: FirstOffer;
    peer?: string;
    video?: boolean;
    held?: boolean;
    muted?: boolean;
    /** The media sections: a later offer must have them all, in this order. */
    slots?: Slot[];
    /** The number of the next offer. */
    negotiation?: number;
    /** When it was answered, in ms since 1970. */
    since?: number;
}
/** What is kept of a session. */
export interface SessionMemory {
    session: string;
    seq: number;
    calls: Record<string, CallMemory>;
}
/** A session's place in the tab's storage. */
export declare class Memory {
    #private;
    constructor(store: Store | undefined, url: string);
    /** What the page before this one left. */
    load(): SessionMemory | undefined;
    /** Begins to keep a session. */
    begin(session: string, seq: number): void;
    /** Notes the last event. */
    saw(seq: number): void;
    /** What is kept of a call. */
    call(call: string): CallMemory;
    /** What is kept of all calls, by id. */
    calls(): [string, CallMemory][];
    /** Keeps more of a call. */
    keep(call: string, more: CallMemory): void;
    /** Forgets a call. */
    drop(call: string): void;
    /** Forgets the session. */
    forget(): void;
}
