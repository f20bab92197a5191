import type { Detail, ErrorCode, ErrorFrame, Retry, SipStatus } from "./frames.js";
import type { Words } from "./words.js";
/** A request that the gateway refused, or that could not be made. */
export declare class Fault extends Error {
    readonly name = "Fault";
    /** What is wrong, from the closed list of the protocol. */
    readonly code: ErrorCode;
    /** Whether the same request may work later. */
    readonly retry: Retry;
    readonly retryAfterMs: number | undefined;
    /** What the other side said, where it was asked and refused. */
    readonly sip: SipStatus | undefined;
    /** What exactly is wrong with a description, a candidate, a header. */
    readonly detail: Detail | undefined;
    /** For people: what is wrong, and what to do. */
    readonly words: Words;
    constructor(code: ErrorCode, message: string, frame?: ErrorFrame, words?: Words, sip?: SipStatus);
    /** From a frame of the gateway. */
    static of(frame: ErrorFrame): Fault;
}
