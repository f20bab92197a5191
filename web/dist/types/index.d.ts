/**
 * The browser client of crosspoint: calls between pages and telephones, over one WebSocket.
 *
 * ```js
 * import { Crosspoint } from "/crosspoint.js";
 * const crosspoint = new Crosspoint();
 * await crosspoint.connect();
 * const call = crosspoint.call("echo");
 * call.on("stream", (stream) => { document.querySelector("audio").srcObject = stream; });
 * ```
 */
export { Crosspoint } from "./client.js";
export type { ConnectOptions, CrosspointEvents, Delivery, Message } from "./client.js";
export { Call } from "./call.js";
export type { CallEnd, CallEvents, CallOptions, CallState } from "./call-types.js";
export type { ConnectionState, Token } from "./connection.js";
export type { CallDetails, PathEnd } from "./details.js";
export type { Environment } from "./environment.js";
export { Fault } from "./fault.js";
export type * from "./frames.js";
export type { MediaWish } from "./media.js";
export type { PathState } from "./path.js";
export type { Account, CallEvent } from "./protocol.js";
export { Meter, Sounds } from "./sounds.js";
export { endWords, errorWords, mediaWords, messageWords } from "./words.js";
export type { Words } from "./words.js";
