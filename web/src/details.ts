/** What flows, for a panel of details: from `getStats`. */

/** One end of the way. */
export interface PathEnd {
  /** `host`, `srflx`, `prflx` or `relay`. */
  type: string;
  protocol: string;
  address: string;
}

/** A snapshot of a call's media. */
export interface CallDetails {
  local?: PathEnd;
  remote?: PathEnd;
  /** Round trip, in milliseconds. */
  roundTripMs?: number;
  /** `opus/48000`, by direction. */
  sending?: string;
  receiving?: string;
  bytesSent: number;
  bytesReceived: number;
  packetsLost: number;
  /** The DTLS cipher. */
  cipher?: string;
}

type Report = Record<string, unknown> & { id: string; type: string };

/** Reads the numbers of a connection. */
export async function readDetails(pc: RTCPeerConnection): Promise<CallDetails> {
  const reports = new Map<string, Report>();
  (await pc.getStats()).forEach((report: Report) => reports.set(report.id, report));
  const all = [...reports.values()];
  const details: CallDetails = { bytesSent: 0, bytesReceived: 0, packetsLost: 0 };
  const transport = all.find(({ type, selectedCandidatePairId }) =>
    Boolean(type === "transport" && selectedCandidatePairId),
  );
  const pair =
    reports.get(String(transport?.selectedCandidatePairId)) ??
    all.find((report) => report.type === "candidate-pair" && report.selected === true);
  const local = end(reports.get(String(pair?.localCandidateId)));
  const remote = end(reports.get(String(pair?.remoteCandidateId)));
  if (local) details.local = local;
  if (remote) details.remote = remote;
  if (typeof pair?.currentRoundTripTime === "number") {
    details.roundTripMs = Math.round(pair.currentRoundTripTime * 1000);
  }
  if (typeof transport?.dtlsCipher === "string") details.cipher = transport.dtlsCipher;
  for (const report of all) {
    if (report.type === "outbound-rtp") {
      details.bytesSent += number(report.bytesSent);
      if (report.kind === "audio") set(details, "sending", codec(reports, report));
    } else if (report.type === "inbound-rtp") {
      details.bytesReceived += number(report.bytesReceived);
      details.packetsLost += number(report.packetsLost);
      if (report.kind === "audio") set(details, "receiving", codec(reports, report));
    }
  }
  return details;
}

function end(candidate: Report | undefined): PathEnd | undefined {
  if (!candidate) return undefined;
  const address = candidate.address ?? candidate.ip ?? "hidden";
  return {
    type: String(candidate.candidateType),
    protocol: String(candidate.protocol),
    address: `${address}:${candidate.port}`,
  };
}

function codec(reports: Map<string, Report>, stream: Report): string | undefined {
  const used = reports.get(String(stream.codecId));
  if (!used) return undefined;
  return `${String(used.mimeType).replace(/^\w+\//, "")}/${used.clockRate}`;
}

function set(details: CallDetails, key: "sending" | "receiving", value: string | undefined): void {
  if (value !== undefined) details[key] = value;
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
