/** Level bars of all calls, drawn together. */
import { Meter } from "../src/index.js";

interface Bar {
  meter: Meter;
  element: HTMLElement;
}

const bars = new Set<Bar>();
let context: AudioContext | undefined;
let drawing = false;

/** Shows how loud a stream is, until what it returns is called. */
export function showLevel(stream: MediaStream, element: HTMLElement): () => void {
  if (stream.getAudioTracks().length === 0 || typeof AudioContext !== "function") return () => {};
  context ??= new AudioContext();
  void context.resume();
  const bar = { meter: new Meter(stream, context), element };
  bars.add(bar);
  draw();
  return () => {
    bars.delete(bar);
    bar.meter.close();
    element.style.setProperty("--level", "0%");
  };
}

function draw(): void {
  if (drawing || bars.size === 0) return;
  drawing = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = () => {
    drawing = false;
    for (const { meter, element } of bars) {
      element.style.setProperty("--level", `${Math.round(meter.level() * 100)}%`);
    }
    draw();
  };
  if (calm) setTimeout(next, 400);
  else requestAnimationFrame(next);
}
