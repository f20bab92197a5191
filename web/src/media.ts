/** Microphone and camera, and the tracks of one call. */
import type { Environment } from "./environment.js";
import type { Slot } from "./memory.js";

/** What a call is to send. */
export interface MediaWish {
  /** The microphone: whether, or how. Default: true. */
  audio?: boolean | MediaTrackConstraints;
  /** The camera: whether, or how. Default: false. */
  video?: boolean | MediaTrackConstraints;
  /** Tracks of the page's own instead. The call sends copies, so that it can mute them. */
  stream?: MediaStream;
}

/** Opens what is wished. The tracks belong to the call, which stops them. */
export async function openMedia(
  wish: MediaWish,
  environment: Environment,
): Promise<MediaStreamTrack[]> {
  if (wish.stream) return wish.stream.getTracks().map((track) => track.clone());
  const audio = wish.audio ?? true;
  const video = wish.video ?? false;
  if (audio === false && video === false) return [];
  const stream = await environment.userMedia({ audio, video });
  return stream.getTracks();
}

/** Opens again what a call had before a reload, as far as it can be had. */
export async function reopenMedia(
  video: boolean | undefined,
  environment: Environment,
): Promise<MediaStreamTrack[]> {
  try {
    return await openMedia({ video: video ?? false }, environment);
  } catch {
    return []; // What the other side sends can still be heard.
  }
}

/** Whether an offer has a section of this kind that is in use. */
export function offers(sdp: string | undefined, kind: string): boolean {
  return (
    new RegExp(`^m=${kind} [1-9]`, "m").test(sdp ?? "") ||
    // A port of 0 with bundle-only is in use as well (RFC 9143 §6).
    new RegExp(`^m=${kind} 0 (?:(?!^m=)[^])*^a=bundle-only`, "m").test(sdp ?? "")
  );
}

/** Whether an answer took telephone-event for sound (RFC 4733), so that keys can go as RTP. */
export function takesTelephoneEvents(sdp: string | undefined): boolean {
  const audio = /^m=audio [^]*?(?=^m=|(?![^]))/m.exec(sdp ?? "")?.[0] ?? "";
  return /^a=rtpmap:\d+ telephone-event\//im.test(audio);
}

/** The sections of a connection, in order; a later offer for the same call must repeat them. */
export function slotsOf(pc: RTCPeerConnection): Slot[] {
  const sections = (pc.localDescription?.sdp ?? "").split(/^(?=m=)/m).slice(1);
  return sections.map((section) => {
    const kind = /^m=(\w+)/.exec(section)?.[1] ?? "audio";
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const own = pc.getTransceivers().find((transceiver) => transceiver.mid === mid);
    return { kind, direction: own?.direction === undefined ? "inactive" : own.direction };
  });
}

/** Gives a new connection the sections of the one before it, with the tracks there are. */
export function fillSlots(
  pc: RTCPeerConnection,
  slots: Slot[],
  tracks: MediaStreamTrack[],
  held: boolean,
): void {
  const left = [...tracks];
  const wanted = slots.length > 0 ? slots : [{ kind: "audio", direction: "sendrecv" as const }];
  for (const slot of wanted) {
    if (slot.kind !== "audio" && slot.kind !== "video") continue;
    const used = slot.direction !== "inactive" && slot.direction !== "stopped";
    const at = used ? left.findIndex((track) => track.kind === slot.kind) : -1;
    const [track] = at < 0 ? [] : left.splice(at, 1);
    if (track) {
      pc.addTransceiver(track, { direction: held ? "sendonly" : "sendrecv" });
    } else {
      pc.addTransceiver(slot.kind, { direction: used && !held ? "recvonly" : "inactive" });
    }
  }
  for (const track of left) pc.addTransceiver(track, { direction: held ? "sendonly" : "sendrecv" });
}

let pranswer: Promise<boolean> | undefined;

/**
 * Whether the browser takes early answers: found out by giving it one, as no flag says so
 * (Firefox has none).
 */
export function takesPranswer(environment: Environment): Promise<boolean> {
  pranswer ??= tryPranswer(environment);
  return pranswer;
}

async function tryPranswer(environment: Environment): Promise<boolean> {
  let caller: RTCPeerConnection | undefined;
  let callee: RTCPeerConnection | undefined;
  try {
    caller = environment.newPeerConnection({});
    callee = environment.newPeerConnection({});
    caller.addTransceiver("audio", { direction: "recvonly" });
    await caller.setLocalDescription(await caller.createOffer());
    await callee.setRemoteDescription(caller.localDescription as RTCSessionDescription);
    const { sdp = "" } = await callee.createAnswer();
    await caller.setRemoteDescription({ type: "pranswer", sdp });
    return caller.signalingState === "have-remote-pranswer";
  } catch {
    return false;
  } finally {
    caller?.close();
    callee?.close();
  }
}
