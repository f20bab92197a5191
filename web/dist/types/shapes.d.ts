import type { Cause, ClientFrame, EventFrame, ServerFrame } from "./frames.js";
/** Whether an error's code is a cause as well, for a call that comes to nothing by it. */
export declare function isCause(code: string): code is Cause;
/** What is wrong with a frame: a sentence that names the member. */
export declare class BadFrame extends Error {
}
/** Whether a frame of the gateway is an event (has a `seq`). */
export declare function isEvent(frame: ServerFrame): frame is EventFrame;
/**
 * Reads a frame of the gateway.
 *
 * Returns undefined where the type is unknown: such frames come from a newer gateway and are to be
 * ignored. Throws {@link BadFrame} where it is no frame at all.
 */
export declare function readServerFrame(json: string): ServerFrame | undefined;
/** Reads a frame of a client; for gateways in tests. */
export declare function readClientFrame(json: string): ClientFrame | undefined;
