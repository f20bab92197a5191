/** What the page's address says; for tests and for those who look for a fault. */

export interface PageOptions {
  /** How the microphone is opened. */
  audio: boolean | MediaTrackConstraints;
  /** Whether `window.crosspointPage` is there. */
  debug: boolean;
}

export function readOptions(search: string): PageOptions {
  const parameters = new URLSearchParams(search);
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return {
    // As it is, for music and for measuring tones.
    audio: parameters.get("audio") === "raw" ? raw : true,
    debug: parameters.has("debug"),
  };
}
