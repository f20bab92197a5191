/**
 * Perfect negotiation on one `RTCPeerConnection`; the gateway is the impolite side.
 *
 * Everything that touches descriptions runs one after the other, in order of arrival. An offer of
 * ours is numbered; only the answer of that number meets it. When offers cross, ours is rolled
 * back, theirs is answered, and what ours was for is asked again.
 *
 * ```text
 *            need, when allowed               answer
 *   stable ─────────────────────▶ offered ─────────────▶ stable
 *     │ ▲                            │ rollback: glare ──▶ needed again, after a pause
 *     │ └── answer sent              │           other ──▶ the one who asked is told
 *     └──── offer of theirs ◀────────┘ (ours is rolled back)
 * ```
 */
import type { Candidate, Description, RollbackCode, SipStatus } from "./frames.js";
import type { Environment } from "./environment.js";
import { Fault } from "./fault.js";
/** What an offer is for. */
export type Purpose = "call.description" | "call.hold" | "call.resume";
/** Why an offer came to nothing, and what the other side said where it was asked. */
export interface Refusal {
    code?: RollbackCode | null;
    sip?: SipStatus | null;
}
/** How descriptions leave. */
export interface Wire {
    describe(purpose: Purpose, description: Description, negotiation: number): Promise<unknown>;
    /** `null`: there are no more. */
    candidate(candidate: Candidate | null): void;
    /** A negotiation is over; what is sent and received may have changed. */
    settled(): void;
    /** Something was refused that nobody waits for. */
    fault(fault: Fault): void;
}
export declare class Negotiation {
    #private;
    readonly pc: RTCPeerConnection;
    constructor(pc: RTCPeerConnection, wire: Wire, environment: Environment, next?: number);
    /** The number of the next offer. */
    get next(): number;
    /** Makes the first offer, which goes out with `call.create` or `call.accept`. */
    offer(): Promise<{
        description: Description;
        negotiation: number;
    }>;
    /** Answers the first offer of theirs; the answer goes out with `call.accept`. */
    answer(offer: Description): Promise<Description>;
    /** From now on offers may be made: the call is answered. */
    allow(): void;
    /** Asks for a new offer. Resolves when it is answered, rejects when it is refused. */
    need(purpose: Purpose, restart?: boolean): Promise<void>;
    /** A description of theirs, of any type. */
    remote(description: Description, negotiation?: number, why?: Refusal): Promise<void>;
    /** The call is answered, and the answer came before: an early one becomes the last. */
    settle(): Promise<void>;
    /** A candidate of theirs. */
    candidate(candidate: Candidate): Promise<void>;
    close(): void;
}
