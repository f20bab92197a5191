/**
 * Watches the way that sound and pictures take, and asks for an ICE restart when it breaks or when
 * the machine has changed networks.
 *
 * ```text
 *   good ──disconnected──▶ doubtful ──3 s──▶ broken ──restart, again after 2, 4 … 30 s──▶ good
 *     │                                        ▲
 *     └──failed────────────────────────────────┘
 * ```
 */
import type { Environment } from "./environment.js";
/** How the way stands. */
export type PathState = "new" | "connecting" | "connected" | "interrupted" | "failed";
export declare class Path {
    #private;
    constructor(pc: RTCPeerConnection, environment: Environment, restart: () => void, changed: () => void);
    get state(): PathState;
    close(): void;
}
