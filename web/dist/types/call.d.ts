/**
 * One call: its state, its `RTCPeerConnection`, and what can be done with it.
 *
 * ```text
 *   outgoing   preparing ──▶ calling ──▶ ringing ──▶ early ──┐
 *                               └───────────┴───────────┴────┼──▶ established ──▶ ended
 *   incoming   incoming ──accept()──▶ answering ─────────────┘
 *   any ── end(), or the other side, or the gateway ──▶ ended
 * ```
 *
 * A call that needs nothing to be accepted gets the caller's offer while it is `answering`, and is
 * established by its answer.
 */
import type { Direction, MediaInfo, RejectCause } from "./frames.js";
import type { CallEnd, CallEvents, CallState } from "./call-types.js";
import type { CallDetails } from "./details.js";
import { Emitter } from "./events.js";
import type { MediaWish } from "./media.js";
import type { PathState } from "./path.js";
export declare class Call extends Emitter<CallEvents> {
    #private;
    readonly id: string;
    readonly direction: Direction;
    /** The address of the other side. */
    readonly peer: string;
    /** The name to show, where there is one. */
    readonly peerName: string | undefined;
    /** What the other side sends. The same object for the life of the call. */
    readonly remoteStream: MediaStream;
    get state(): CallState;
    /** When it was answered, in ms since 1970. */
    get since(): number | undefined;
    /** Who holds: this side, the other side. */
    get held(): {
        here: boolean;
        there: boolean;
    };
    get muted(): boolean;
    /** What the gateway says that flows, per section. */
    get media(): readonly MediaInfo[];
    /** How the way of sound and pictures stands. */
    get path(): PathState;
    /** How it ended, once it has. */
    get ending(): CallEnd | undefined;
    /** Whether the caller offers video. */
    get offersVideo(): boolean;
    /** Whether the camera is sent. */
    get sendsVideo(): boolean;
    /** Whether pictures of the other side arrive. */
    get receivesVideo(): boolean;
    /** The tracks that this side sends. */
    get localTracks(): readonly MediaStreamTrack[];
    /** The connection itself, for whoever wants more than this class gives. */
    get peerConnection(): RTCPeerConnection | undefined;
    /** Resolves when the call is answered; rejects with the {@link CallEnd} when it ends before. */
    established(): Promise<void>;
    /** Takes an incoming call. Rejects where the microphone cannot be had; the call rings on. */
    accept(wish?: MediaWish): Promise<void>;
    /** Turns an incoming call away. */
    reject(cause?: RejectCause): void;
    /** Ends the call, whatever it is doing. */
    end(): void;
    /** Puts the other side on hold: nothing is sent, nothing is heard. */
    hold(): Promise<void>;
    /** Takes the other side back from hold. */
    resume(): Promise<void>;
    /** Mutes the microphone, or opens it again. The other side gets silence. */
    mute(muted?: boolean): void;
    /**
     * Presses keys: `0`–`9`, `*`, `#`, `A`–`D`. As RTP events where the other side takes them, else
     * through the gateway (SIP INFO).
     */
    dtmf(digits: string, durationMs?: number): Promise<void>;
    /** Looks for a new way for sound and pictures. */
    restartIce(): Promise<void>;
    /** Sends the camera. */
    addVideo(wish?: {
        video?: MediaTrackConstraints;
        stream?: MediaStream;
    }): Promise<void>;
    /** Sends the camera no more. Pictures of the other side, where there are any, go on. */
    removeVideo(): Promise<void>;
    /** Sends (a copy of) another track of the same kind in place of the one that is sent. */
    replaceTrack(track: MediaStreamTrack): Promise<void>;
    /** Codec, selected pair, round trip, bytes. */
    details(): Promise<CallDetails | undefined>;
}
