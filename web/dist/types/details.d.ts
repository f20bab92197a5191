/** What flows, for a panel of details: from `getStats`. */
/** One end of the way. */
export interface PathEnd {
    /** `host`, `srflx`, `prflx` or `relay`. */
    type: string;
    protocol: string;
    address: string;
}
/** A snapshot of a call's media. */
export interface CallDetails {
    local?: PathEnd;
    remote?: PathEnd;
    /** Round trip, in milliseconds. */
    roundTripMs?: number;
    /** `opus/48000`, by direction. */
    sending?: string;
    receiving?: string;
    bytesSent: number;
    bytesReceived: number;
    packetsLost: number;
    /** The DTLS cipher. */
    cipher?: string;
}
/** Reads the numbers of a connection. */
export declare function readDetails(pc: RTCPeerConnection): Promise<CallDetails>;
