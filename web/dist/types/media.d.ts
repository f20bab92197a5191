/** Microphone and camera, and the tracks of one call. */
import type { Environment } from "./environment.js";
import type { Slot } from "./memory.js";
/** What a call is to send. */
export interface MediaWish {
    /** The microphone: whether, or how. Default: true. */
    audio?: boolean | MediaTrackConstraints;
    /** The camera: whether, or how. Default: false. */
    video?: boolean | MediaTrackConstraints;
    /** Tracks of the page's own instead. The call sends copies, so that it can mute them. */
    stream?: MediaStream;
}
/** Opens what is wished. The tracks belong to the call, which stops them. */
export declare function openMedia(wish: MediaWish, environment: Environment): Promise<MediaStreamTrack[]>;
/** Opens again what a call had before a reload, as far as it can be had. */
export declare function reopenMedia(video: boolean | undefined, environment: Environment): Promise<MediaStreamTrack[]>;
/** Whether an offer has a section of this kind that is in use. */
export declare function offers(sdp: string | undefined, kind: string): boolean;
/** Whether an answer took telephone-event for sound (RFC 4733), so that keys can go as RTP. */
export declare function takesTelephoneEvents(sdp: string | undefined): boolean;
/** The sections of a connection, in order; a later offer for the same call must repeat them. */
export declare function slotsOf(pc: RTCPeerConnection): Slot[];
/** Gives a new connection the sections of the one before it, with the tracks there are. */
export declare function fillSlots(pc: RTCPeerConnection, slots: Slot[], tracks: MediaStreamTrack[], held: boolean): void;
/**
 * Whether the browser takes early answers: found out by giving it one, as no flag says so
 * (Firefox has none).
 */
export declare function takesPranswer(environment: Environment): Promise<boolean>;
