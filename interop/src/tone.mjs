// Tones: a file of one for a microphone, and which one is heard at the other end.
//
// A tone comes in bursts (0.4 s of sound, 0.1 s of silence), because a browser's noise suppression
// takes a steady tone for noise. It is recovered by a windowed FFT, whose highest bin is refined
// by a parabola through its neighbours: good to about 2 Hz where the rule asks for 10.

import fs from 'node:fs';

const BURST = 0.4;
const PAUSE = 0.1;
const RAMP = 0.01;
/** A heard frequency may differ from the sent one by this much, in hertz. */
export const TOLERANCE = 10;
/** Sound below this root mean square (full scale is 1) is silence: about -50 dBFS. */
export const SILENCE = 0.003;

/** A frequency in hertz chosen at random, far from each of `others` and from their octaves. */
export function randomTone(...others) {
  for (;;) {
    const hz = 400 + Math.floor(Math.random() * 1100);
    const far = others.every((o) => [o / 2, o, o * 2].every((x) => Math.abs(x - hz) > 50));
    if (far) return hz;
  }
}

/** Samples of a tone in bursts, floats from -1 to 1. */
export function samples(hz, seconds, rate = 48_000, level = 0.5) {
  const out = new Float32Array(Math.round(seconds * rate));
  for (let i = 0; i < out.length; i += 1) {
    const at = i / rate;
    const phase = at % (BURST + PAUSE);
    const edge = Math.min(phase, BURST - phase) / RAMP;
    out[i] = level * Math.max(0, Math.min(1, edge)) * Math.sin(2 * Math.PI * hz * at);
  }
  return out;
}

/** Writes a WAV file of 16 bits, the same sound in each channel. */
export function writeWav(file, pcm, rate = 48_000, channels = 1) {
  const step = 2 * channels;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + pcm.length * step, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * step, 28);
  head.writeUInt16LE(step, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(pcm.length * step, 40);
  const body = Buffer.alloc(pcm.length * step);
  for (let i = 0; i < pcm.length; i += 1) {
    const value = Math.max(-32768, Math.min(32767, Math.round(pcm[i] * 32767)));
    for (let c = 0; c < channels; c += 1) body.writeInt16LE(value, i * step + c * 2);
  }
  fs.writeFileSync(file, Buffer.concat([head, body]));
  return file;
}

/** Writes a file with a tone of `hz` that loops without a seam. */
export function writeTone(file, hz, options = {}) {
  const { seconds = 10, rate = 48_000, level = 0.5, channels = 1 } = options;
  return writeWav(file, samples(hz, seconds, rate, level), rate, channels);
}

/** Reads a WAV file of 16-bit samples (first channel), even one whose writer never closed it. */
export function readWav(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.toString('latin1', 0, 4) !== 'RIFF') throw new Error(`${file} is no WAV file`);
  let at = 12;
  let format = null;
  while (at + 8 <= bytes.length) {
    const id = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      format = {
        channels: bytes.readUInt16LE(at + 10),
        rate: bytes.readUInt32LE(at + 12),
        bits: bytes.readUInt16LE(at + 22),
      };
    } else if (id === 'data') {
      if (!format || format.bits !== 16) throw new Error(`${file} is not of 16 bits`);
      const rest = bytes.length - at - 8;
      const length = size === 0 || size > rest ? rest : size;
      const step = 2 * format.channels;
      const pcm = new Float32Array(Math.floor(length / step));
      for (let i = 0; i < pcm.length; i += 1) {
        pcm[i] = bytes.readInt16LE(at + 8 + i * step) / 32768;
      }
      return { pcm, rate: format.rate };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error(`${file} holds no sound`);
}

/** Reads raw sound of 16 bits, little-endian, one channel (Asterisk's `sln` formats). */
export function readSlin(file) {
  const bytes = fs.readFileSync(file);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i) / 32768);
}

/** In-place FFT of a power of two. */
function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const angle = (-2 * Math.PI) / size;
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < size / 2; k += 1) {
        const c = Math.cos(angle * k);
        const s = Math.sin(angle * k);
        const a = start + k;
        const b = a + size / 2;
        const xr = re[b] * c - im[b] * s;
        const xi = re[b] * s + im[b] * c;
        re[b] = re[a] - xr;
        im[b] = im[a] - xi;
        re[a] += xr;
        im[a] += xi;
      }
    }
  }
}

/** Looks at about 0.09 s of sound: its level, its loudest frequency, and how much of it that is. */
function look(pcm, start, n, rate) {
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  let square = 0;
  for (let i = 0; i < n; i += 1) {
    const x = pcm[start + i];
    square += x * x;
    re[i] = x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
  }
  fft(re, im);
  const power = (k) => re[k] * re[k] + im[k] * im[k];
  const low = Math.ceil((60 * n) / rate);
  let peak = low;
  let total = 0;
  for (let k = low; k < n / 2; k += 1) {
    total += power(k);
    if (power(k) > power(peak)) peak = k;
  }
  let near = 0;
  for (let k = Math.max(low, peak - 3); k <= Math.min(n / 2 - 1, peak + 3); k += 1) near += power(k);
  const [a, b, c] = [-1, 0, 1].map((d) => Math.log(power(Math.max(1, peak + d)) + 1e-30));
  const bend = a - 2 * b + c;
  const shift = bend === 0 ? 0 : (0.5 * (a - c)) / bend;
  return {
    at: start / rate,
    rms: Math.sqrt(square / n),
    hz: ((peak + Math.max(-0.5, Math.min(0.5, shift))) * rate) / n,
    purity: total > 0 ? near / total : 0,
  };
}

/** Cuts sound into frames and looks at each. */
export function frames(pcm, rate) {
  let n = 256;
  while (n * 2 <= rate * 0.09) n *= 2;
  const out = [];
  for (let start = 0; start + n <= pcm.length; start += n / 2) out.push(look(pcm, start, n, rate));
  return out;
}

/**
 * What is heard in a stretch of sound: `hz` of the tone (null if there is none), `share` of the
 * sounding frames that have it, `sounding` and `silent` seconds.
 */
export function hear(pcm, rate) {
  const all = frames(pcm, rate);
  const step = all.length > 1 ? all[1].at - all[0].at : 0;
  const loud = all.filter((f) => f.rms > SILENCE);
  const pure = loud.filter((f) => f.purity > 0.6).map((f) => f.hz).sort((a, b) => a - b);
  const hz = pure.length ? pure[pure.length >> 1] : null;
  const same = pure.filter((x) => Math.abs(x - hz) <= TOLERANCE).length;
  return {
    hz: hz === null ? null : Math.round(hz * 10) / 10,
    share: loud.length ? Math.round((100 * same) / loud.length) / 100 : 0,
    sounding: Math.round(loud.length * step * 100) / 100,
    silent: Math.round((all.length - loud.length) * step * 100) / 100,
    seconds: Math.round((pcm.length / rate) * 100) / 100,
  };
}

/** Says a heard stretch in words. */
export function inWords(heard) {
  const what = heard.hz === null ? 'no tone' : `${heard.hz} Hz in ${heard.share * 100} % of it`;
  return `${heard.sounding} s of sound, ${what}, ${heard.silent} s of silence`;
}

/** Throws unless `heard` is the tone `hz`, for at least `least` seconds of sound. */
export function expectTone(heard, hz, where, least = 0.8) {
  const right = heard.hz !== null && Math.abs(heard.hz - hz) <= TOLERANCE
    && heard.share >= 0.7 && heard.sounding >= least;
  if (!right) throw new Error(`${where}: expected ${hz} Hz, heard ${inWords(heard)}`);
}

/** Throws unless `heard` is silence, but for `most` seconds. */
export function expectSilence(heard, where, most = 0.1) {
  if (heard.seconds < 0.5 || heard.sounding > most) {
    throw new Error(`${where}: expected silence, heard ${inWords(heard)}`);
  }
}

const KEYS = [[697, '123A'], [770, '456B'], [852, '789C'], [941, '*0#D']];
const COLUMNS = [1209, 1336, 1477, 1633];

/** How much of a stretch of sound is the frequency `hz`, 0 to 1 (Goertzel). */
function part(pcm, start, n, hz, rate) {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let [a, b, square] = [0, 0, 0];
  for (let i = 0; i < n; i += 1) {
    const x = pcm[start + i];
    [a, b] = [turn * a - b + x, a];
    square += x * x;
  }
  return square > 0 ? (2 * (a * a + b * b - turn * a * b)) / (n * square) : 0;
}

/** The keys that are heard in a stretch of sound, in order. */
export function keys(pcm, rate) {
  const n = Math.round(rate * 0.02);
  const heard = [];
  for (let start = 0; start + n <= pcm.length; start += n / 2) {
    const best = (list) => list.map((hz) => part(pcm, start, n, hz, rate))
      .map((share, i) => ({ share, i })).sort((x, y) => y.share - x.share)[0];
    const loud = pcm.subarray(start, start + n).some((x) => Math.abs(x) > 0.02);
    const row = best(KEYS.map(([hz]) => hz));
    const column = best(COLUMNS);
    const is = loud && row.share > 0.2 && column.share > 0.2 && row.share + column.share > 0.7;
    heard.push(is ? KEYS[row.i][1][column.i] : '');
  }
  // A key counts that lasts for two looks (30 ms); each change begins another.
  let out = '';
  for (let i = 1; i < heard.length; i += 1) {
    const begins = heard[i] && heard[i - 1] === heard[i] && heard[i - 2] !== heard[i];
    if (begins && !(heard[i - 2] === '' && heard[i - 3] === heard[i])) out += heard[i];
  }
  return out;
}

/** A colour that no other page has by chance, [red, green, blue]. */
export function randomColour(...others) {
  const all = [[230, 20, 20], [20, 200, 20], [20, 20, 230], [230, 220, 20], [220, 20, 220],
    [20, 210, 220]].filter((c) => !others.some((o) => `${o}` === `${c}`));
  return all[Math.floor(Math.random() * all.length)];
}

/** Throws unless `seen` is about the colour `wanted`. */
export function expectColour(seen, wanted, where) {
  const near = seen && wanted.every((x, i) => Math.abs(x - seen[i]) < 90);
  if (!near) throw new Error(`${where}: expected rgb(${wanted}), saw ${seen ? `rgb(${seen})` : 'nothing'}`);
}
