// Chromium in the lab: headless, with a tone for a microphone, and ears at what it receives.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Cannot, interop, ownNetwork, sleep } from './lab.mjs';
import { hear, writeTone, writeWav } from './tone.mjs';

const program = process.env.CROSSPOINT_CHROMIUM ?? '/usr/bin/chromium';
const hooks = path.join(interop, 'src', 'page.js');

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--disable-quic',
  '--metrics-recording-only',
  '--no-first-run',
  '--no-default-browser-check',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Pages in the background must not be slowed: a case looks at two at once.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];
const OFF = ['OptimizationHints', 'MediaRouter', 'Translate', 'AudioServiceOutOfProcess'];

/** The installed browser's version, or null. */
export async function version() {
  if (!fs.existsSync(program)) return null;
  const { execFileSync } = await import('node:child_process');
  const text = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' });
  return /Chromium [\d.]+/.exec(text)?.[0] ?? text.trim();
}

/** One page and what is heard in it. */
export class Page {
  constructor(page, ctx, name) {
    Object.assign(this, { page, ctx, name });
    const log = (text) => fs.appendFileSync(ctx.path(`${name}.log`), `${text}\n`);
    page.on('console', (m) => log(`${new Date().toISOString()} ${m.type()} ${m.text()}`));
    page.on('pageerror', (e) => log(`${new Date().toISOString()} uncaught ${e.stack}`));
    page.on('websocket', (socket) => {
      const stamp = () => new Date().toISOString();
      log(`${stamp()} websocket ${socket.url()}`);
      socket.on('framesent', (f) => log(`${stamp()} -> ${f.payload}`));
      socket.on('framereceived', (f) => log(`${stamp()} <- ${f.payload}`));
      socket.on('close', () => log(`${stamp()} websocket closed`));
    });
  }

  /** Runs `script` (a function) in the page. */
  run(script, argument) {
    return this.page.evaluate(script, argument);
  }

  /** Begins to record what the page's connection receives. */
  listen() {
    return this.page.evaluate(() => window.lab.listen());
  }

  /** Records for `seconds` and says what was heard. */
  async hear(seconds = 2) {
    await this.listen();
    await sleep(seconds * 1000);
    return this.heard();
  }

  /** What was heard since `listen`; the sound is kept in the case's folder. */
  async heard() {
    const heard = hear(await this.sound(), 48_000);
    this.ctx.note(`${this.name} heard ${JSON.stringify(heard)}`);
    return heard;
  }

  /** The sound since `listen`, floats at 48 kHz; it is kept in the case's folder. */
  async sound() {
    const text = await this.page.evaluate(() => window.lab.heard());
    const bytes = Buffer.from(text, 'base64');
    const pcm = new Float32Array(bytes.length / 2);
    for (let i = 0; i < pcm.length; i += 1) pcm[i] = bytes.readInt16LE(i * 2) / 32768;
    writeWav(this.ctx.path(`${this.name}-heard.wav`), pcm);
    return pcm;
  }

  /** The colour that is seen, [red, green, blue], or null where no picture comes. */
  async see() {
    const colour = await this.page.evaluate(() => window.lab.see());
    this.ctx.note(`${this.name} sees ${JSON.stringify(colour)}`);
    return colour;
  }

  /** What the page's connection says of itself. */
  async state() {
    const state = await this.page.evaluate(() => window.lab.state());
    this.ctx.note(`${this.name} is ${JSON.stringify(state)}`);
    return state;
  }

  /** What the page logged so far, the frames that it sent and got among it. */
  log() {
    return fs.readFileSync(this.ctx.path(`${this.name}.log`), 'utf8');
  }

  /** A picture of the page in the case's folder. */
  picture(name) {
    return this.page.screenshot({ path: this.ctx.path(`${name}.png`) });
  }
}

/** A running Chromium. */
export class Browser {
  /** Starts one whose microphone is a tone of `tone` hertz. */
  static async start(ctx, { name = 'chromium', tone = 700, flags = [], mdns = false } = {}) {
    if (!fs.existsSync(program)) {
      throw new Cannot('Chromium is not installed (interop/setup.sh)');
    }
    const own = new Browser();
    Object.assign(own, { ctx, name, tone });
    const sound = writeTone(ctx.path(`${name}-tone.wav`), tone, { seconds: 20 });
    const off = mdns ? OFF : [...OFF, 'WebRtcHideLocalIpsWithMdns'];
    own.browser = await chromium.launch({
      executablePath: program,
      headless: true,
      args: [
        ...FLAGS,
        `--disable-features=${off.join(',')}`,
        `--use-file-for-fake-audio-capture=${sound}`,
        ...(ownNetwork ? [] : ['--allow-loopback-in-peer-connection']),
        ...flags,
      ],
      timeout: 30_000,
    });
    own.version = `Chromium ${own.browser.version()}`;
    ctx.defer(() => own.browser.close());
    return own;
  }

  /**
   * Opens `url` in a browser profile of its own. `tone` replaces the browser's microphone by one
   * of the page's own; `tab` opens beside that page, in its profile. A page that may use the
   * microphone tells its addresses, one that may not (`permissions: []`) hides them behind mDNS.
   */
  async open(url, {
    name = this.name, tone, tab, permissions = ['microphone', 'camera'],
  } = {}) {
    const profile = tab ? tab.page.context() : await this.browser.newContext({
      ignoreHTTPSErrors: true,
      permissions,
    });
    if (!tab) await profile.addInitScript({ path: hooks });
    const page = new Page(await profile.newPage(), this.ctx, name);
    if (tone) await page.page.addInitScript(`window.lab.sing(${Number(tone)})`);
    await page.page.goto(url);
    return page;
  }
}

/** Serves an empty page on loopback: a place to run scripts that need a secure origin. */
export async function emptyPage(ctx) {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><title>lab</title><p>An empty page of the lab.</p>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  ctx.defer(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}/`;
}
