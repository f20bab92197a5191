/** Causes and codes in plain words, each with what to do next. */
import type { Cause, ErrorCode } from "./frames.js";
/** A sentence, and the next step where there is one. */
export interface Words {
    what: string;
    next?: string;
}
/** Why a call ended, in words. */
export declare function endWords(cause: Cause): Words;
/** Why a text message did not arrive, in words. */
export declare function messageWords(cause: Cause): Words;
/** What is wrong with a request, in words. */
export declare function errorWords(code: ErrorCode): Words;
/** Why there is no microphone or camera, in words. */
export declare function mediaWords(error: unknown): Words;
