/** The media of one call: its `RTCPeerConnection`, the tracks that it sends, what it receives. */
import type { CallAccept, CallIncoming, Candidate, Description } from "./frames.js";
import type { Environment } from "./environment.js";
import { Fault } from "./fault.js";
import type { Slot } from "./memory.js";
import { Negotiation } from "./negotiation.js";
import type { Purpose } from "./negotiation.js";
import { Path } from "./path.js";
import type { PathState } from "./path.js";
/** What a leg tells its call. */
export interface LegHooks {
    describe(purpose: Purpose, description: Description, negotiation: number): Promise<unknown>;
    candidate(candidate: Candidate | null): void;
    /** A negotiation is over, or tracks came: whether those that arrive are others now. */
    changed(arriving: boolean): void;
    path(state: PathState): void;
    fault(fault: Fault): void;
}
/** The description with which a call is accepted, where one is needed. */
export type Acceptance = Pick<CallAccept, "description" | "negotiation">;
export declare class Leg {
    #private;
    readonly pc: RTCPeerConnection;
    readonly negotiation: Negotiation;
    readonly path: Path;
    /** The tracks belong to the leg from now on. `remote` gets what arrives. */
    constructor(environment: Environment, configuration: RTCConfiguration, tracks: MediaStreamTrack[], remote: MediaStream, hooks: LegHooks, nextOffer?: number);
    /** The tracks that are sent. */
    get tracks(): readonly MediaStreamTrack[];
    get closed(): boolean;
    get sendsVideo(): boolean;
    get receivesVideo(): boolean;
    /** The sections for a first offer or answer. Where nothing is sent, sound is received. */
    addTracks(offering: boolean): void;
    /** What the acceptance of a call brings. */
    acceptance({ need, description, negotiation }: CallIncoming): Promise<Acceptance>;
    /** The sections of the leg that this one replaces. */
    refill(slots: Slot[], held: boolean): void;
    slots(): Slot[];
    mute(muted: boolean): void;
    /** Holds or resumes; where that is refused, everything is as before. */
    hold(held: boolean): Promise<void>;
    /** Presses keys as RTP events (RFC 4733). False where the other side takes none. */
    press(keys: string, durationMs: number): boolean;
    /** Sends this camera. */
    addVideo(track: MediaStreamTrack): Promise<void>;
    /** Sends no camera any more; what is received stays. */
    removeVideo(): Promise<void>;
    /** Sends this track in place of the one of its kind. */
    replaceTrack(track: MediaStreamTrack): Promise<void>;
    close(): void;
}
export declare function stopTracks(tracks: readonly MediaStreamTrack[]): void;
