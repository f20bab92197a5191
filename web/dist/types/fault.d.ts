import type { ErrorCode, ErrorFrame, SipStatus } from "./frames.js";
import type { Words } from "./words.js";
/** A request that the gateway refused, or that could not be made. */
export declare class Fault extends Error {
    readonly name = "Fault";
    /** What is wrong, from the closed list of the protocol. */
    readonly code: ErrorCode;
    /** Whether the same request may work later. */
    readonly retry: "never" | "now" | "after";
    readonly retryAfterMs: number | undefined;
    readonly sip: SipStatus | undefined;
    readonly detail: unknown;
    /** For people: what is wrong, and what to do. */
    readonly words: Words;
    constructor(code: ErrorCode, message: string, frame?: ErrorFrame, words?: Words);
    /** From a frame of the gateway. */
    static of(frame: ErrorFrame): Fault;
}
