/**
 * The frames of `crosspoint.v1`, for run time: every member of every frame, and every word. Written
 * from `docs/protocol.schema.json` by `npm run frames`, not by hand; `frames.ts` has the same as
 * types, and the compiler holds one against the other.
 */
import type * as Frames from "./frames.js";
import type { Table } from "./checks.js";
/** What a description is (RFC 9429 §4.1.10). */
export declare const descriptionType: import("./checks.js").WordCheck<Frames.DescriptionType>;
/** Why a call is not taken. */
export declare const rejectCause: import("./checks.js").WordCheck<Frames.RejectCause>;
/** Why a call ended, as it is told. */
export declare const cause: import("./checks.js").WordCheck<Frames.Cause>;
/** The word `snapshot`. */
export declare const snapshotWord: import("./checks.js").WordCheck<"snapshot">;
/** How an account stands. */
export declare const accountStanding: import("./checks.js").WordCheck<Frames.AccountStanding>;
/** Who made a call. */
export declare const direction: import("./checks.js").WordCheck<Frames.Direction>;
/** What the client has to send to accept a call. */
export declare const need: import("./checks.js").WordCheck<Frames.Need>;
/** What a call is doing, seen by the client. */
export declare const callState: import("./checks.js").WordCheck<Frames.CallState>;
/** What is wrong with a request or a frame. A closed list. */
export declare const errorCode: import("./checks.js").WordCheck<Frames.ErrorCode>;
/** Whether to try a request again. */
export declare const retry: import("./checks.js").WordCheck<Frames.Retry>;
/** Why an offer came to nothing. */
export declare const rollbackCode: import("./checks.js").WordCheck<Frames.RollbackCode>;
/** Who ended a call. */
export declare const endedBy: import("./checks.js").WordCheck<Frames.EndedBy>;
/** What a client says. */
export declare const clientTable: Table<Frames.ClientFrame>;
/** Replies and frames of the hand-shake: without a `seq`. */
export declare const replyTable: Table<Frames.ReplyFrame>;
/** Events: each with a `seq`, from 1, without gaps. */
export declare const eventTable: Table<Frames.EventFrame>;
