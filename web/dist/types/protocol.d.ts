/** What the library says of frames beyond the schema: parts of the unions, and the close codes. */
import type { AccountInfo, AccountState, ClientFrame, EventFrame } from "./frames.js";
/** Events about one call. */
export type CallEvent = Extract<EventFrame, {
    call: string;
}>;
/** An account, as it was last told. */
export type Account = AccountInfo & Omit<AccountState, "type" | "seq">;
/** A request without its `id`, which the connection gives. */
type Unnumbered<F> = F extends {
    id?: string | null;
} ? Omit<F, "id" | "ack"> : never;
/** What `Connection.request` takes: any client frame that has a reply. */
export type RequestFrame = Unnumbered<Exclude<ClientFrame, {
    type: "hello" | "ack" | "ping";
}>>;
/** Why the gateway closed a WebSocket; a test holds them against `docs/protocol.md`. */
export declare const close: {
    readonly away: 1001;
    readonly binary: 1003;
    readonly badHello: 4400;
    readonly notAuthenticated: 4401;
    readonly timeout: 4408;
    readonly superseded: 4409;
    readonly tooMuch: 4413;
    readonly unavailable: 4503;
};
export {};
