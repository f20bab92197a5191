/** Reads frames: JSON, checked at run time against `tables.ts`. */
import { misfit, object } from "./checks.js";
import type { Check } from "./checks.js";
import type { Cause, ClientFrame, EventFrame, ServerFrame } from "./frames.js";
import { cause, clientTable, eventTable, replyTable } from "./tables.js";

/** Whether an error's code is a cause as well, for a call that comes to nothing by it. */
export function isCause(code: string): code is Cause {
  return cause(code);
}

/** What is wrong with a frame: a sentence that names the member. */
export class BadFrame extends Error {}

/** Whether a frame of the gateway is an event (has a `seq`). */
export function isEvent(frame: ServerFrame): frame is EventFrame {
  return Object.hasOwn(eventTable, frame.type);
}

/**
 * Reads a frame of the gateway.
 *
 * Returns undefined where the type is unknown: such frames come from a newer gateway and are to be
 * ignored. Throws {@link BadFrame} where it is no frame at all.
 */
export function readServerFrame(json: string): ServerFrame | undefined {
  return read<ServerFrame>(json, { ...replyTable, ...eventTable });
}

/** Reads a frame of a client; for gateways in tests. */
export function readClientFrame(json: string): ClientFrame | undefined {
  return read<ClientFrame>(json, clientTable);
}

function read<F>(json: string, table: Record<string, Record<string, Check>>): F | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(json);
  } catch {
    throw new BadFrame("expected one JSON object");
  }
  if (!object(frame) || typeof frame.type !== "string") {
    throw new BadFrame("expected an object with a type");
  }
  const checks = Object.hasOwn(table, frame.type) ? table[frame.type] : undefined;
  if (!checks) return undefined;
  const member = misfit(frame, checks) ?? (isDescribed(frame) ? undefined : "description");
  if (member !== undefined) {
    throw new BadFrame(`${frame.type}: the member ${member} is missing or not as expected`);
  }
  return frame as F;
}

/** What the schema cannot say: only a rollback has no text. */
function isDescribed({ description }: Record<string, unknown>): boolean {
  if (!object(description)) return true;
  return description.type === "rollback" || description.sdp !== undefined;
}
