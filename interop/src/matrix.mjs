// Runs the cases, one after the other, and writes the matrix of peers and cases.
//
//   node src/matrix.mjs                 everything, in the lab's own network
//   node src/matrix.mjs --only echo     cases whose name or peer has that word (repeat at will)
//   node src/matrix.mjs --list          what there is
//   node src/matrix.mjs --here          without a network of its own
//
// The exit code is 0 when nothing failed. Where CI=true, a peer that is missing is a failure.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Cannot, Context, endAll, interop, labFolder, ownNetwork, runId, within,
} from './lab.mjs';
import * as asterisk from '../peers/asterisk/asterisk.mjs';
import * as baresip from '../peers/baresip/baresip.mjs';
import * as ejabberd from '../peers/ejabberd/ejabberd.mjs';
import * as kamailio from '../peers/kamailio/kamailio.mjs';
import * as prosody from '../peers/prosody/prosody.mjs';
import * as rtpengine from '../peers/rtpengine/rtpengine.mjs';
import * as sipp from '../peers/sipp/sipp.mjs';
import * as slixmpp from '../peers/slixmpp/slixmpp.mjs';
import * as browser from './browser.mjs';
import * as chatPhone from './chat-phone.mjs';
import * as gateway from './gateway.mjs';

const CASE_MS = 60_000;
/** So many cases of one run may fail and be tried again: more than that is no accident. */
const AGAIN_MAX = 3;
const PEERS = ['chromium', 'asterisk', 'baresip', 'sipp', 'kamailio', 'prosody', 'ejabberd'];
const args = process.argv.slice(2);
const options = (name) => args.flatMap((a, i) => (a === name ? [args[i + 1]] : []));
const only = options('--only');
const mustHaveAll = process.env.CI === 'true';

/** All cases, in the order of their files and in these. */
async function load() {
  const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'cases');
  const all = [];
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.mjs')).sort()) {
    const { cases } = await import(path.join(folder, file));
    all.push(...cases);
  }
  const seen = new Set();
  for (const one of all) {
    const key = `${one.name} × ${one.peer}`;
    if (seen.has(key)) throw new Error(`there are two cases ${key}`);
    if (!PEERS.includes(one.peer)) throw new Error(`${key}: an unknown peer`);
    seen.add(key);
  }
  return all;
}

/** Peers that serve several cases: started when first wanted. */
class Shared {
  constructor(folder) {
    this.folder = folder;
    this.started = new Map();
  }

  asterisk() {
    if (!this.started.has('asterisk')) {
      const folder = path.join(this.folder, 'asterisk');
      fs.mkdirSync(folder, { recursive: true });
      this.started.set('asterisk', asterisk.startPeer({ folder }).then(async (peer) => {
        await peer.trace();
        return peer;
      }));
    }
    return this.started.get('asterisk');
  }

  async stop() {
    for (const peer of this.started.values()) await peer.then((p) => p.stop(), () => {});
  }
}

/** Runs one case; says how it went: `pass`, `fail` or `cannot`, with seconds and a reason. */
async function one(kase, shared, folder, name = `${kase.name}-${kase.peer}`) {
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  if (kase.cannot) return { outcome: 'cannot', seconds: 0, reason: kase.cannot };
  const ctx = new Context(kase.name, path.join(folder, name));
  ctx.shared = shared;
  let outcome = { outcome: 'pass' };
  try {
    if (kase.gateway !== false && !gateway.version()) {
      throw new Cannot(`the gateway is not built (${gateway.binary})`);
    }
    await within(kase.ms ?? CASE_MS, 'the whole case', kase.run(ctx));
  } catch (error) {
    const cannot = error instanceof Cannot;
    outcome = { outcome: cannot ? 'cannot' : 'fail', reason: error.message, missing: cannot };
    ctx.note(error.stack);
  }
  const faults = await ctx.end();
  for (const fault of faults) ctx.note(`putting away: ${fault.stack}`);
  const panicked = fs.readdirSync(ctx.folder).filter((f) => /^gateway.*\.log$/.test(f))
    .some((f) => fs.readFileSync(ctx.path(f), 'utf8').includes('panicked at'));
  if (panicked) outcome = { outcome: 'fail', reason: 'the gateway panicked' };
  return { ...outcome, seconds: seconds() };
}

/** Says how a case went, in a line. */
function say(kase, result) {
  const time = `${result.seconds.toFixed(1)} s`.padStart(7);
  const why = result.reason ? `: ${result.reason.split('\n')[0]}` : '';
  console.log(`${mark(result)} ${time}  ${kase.name} × ${kase.peer}${why}`);
}

/**
 * Tries once more what has failed, when everything else is through: a small machine that does other
 * things meanwhile can make a peer late. What passes then is told as unsteady, with what went
 * wrong first, and both logs stay.
 */
async function again(cases, results, shared, folder) {
  const failed = cases.filter((c) => results.get(`${c.name} × ${c.peer}`).outcome === 'fail'
    && !results.get(`${c.name} × ${c.peer}`).missing);
  if (!failed.length || failed.length > AGAIN_MAX || only.length) return;
  console.log(`\ninterop: ${failed.length} failed and are tried once more`);
  for (const kase of failed) {
    const key = `${kase.name} × ${kase.peer}`;
    const first = results.get(key);
    const result = await one(kase, shared, folder, `${kase.name}-${kase.peer}-again`);
    if (result.outcome === 'pass') {
      Object.assign(result, { outcome: 'unsteady', reason: `at first: ${first.reason}` });
    }
    results.set(key, result);
    say(kase, result);
  }
}

function mark(result) {
  if (!result) return '';
  return { pass: '✓', unsteady: '↻', fail: '✗', cannot: '–' }[result.outcome];
}

/** The matrix as Markdown: a line for each case name, a column for each peer. */
function table(cases, results, versions) {
  const lines = [`Peers: ${versions.join(', ')}.`, '',
    `| case | ${PEERS.join(' | ')} | what it shows |`, `|---|${PEERS.map(() => '---|').join('')}---|`];
  const reasons = [];
  for (const name of new Set(cases.map((c) => c.name))) {
    const row = PEERS.map((peer) => {
      const result = results.get(`${name} × ${peer}`);
      if (result && result.outcome !== 'pass') {
        reasons.push(`- ${name}, ${peer}: ${result.reason.split('\n')[0]}`);
      }
      return mark(result);
    });
    const sentence = cases.find((c) => c.name === name).sentence;
    lines.push(`| ${name} | ${row.join(' | ')} | ${sentence} |`);
  }
  lines.push('', '✓ passed, ↻ failed and passed when tried again, ✗ failed, – cannot be done with this peer; empty: no such case.');
  if (reasons.length) lines.push('', ...reasons);
  return lines.join('\n');
}

/** Puts the matrix between its markers in interop/README.md. */
function write(text) {
  const file = path.join(interop, 'README.md');
  const old = fs.readFileSync(file, 'utf8');
  const made = old.replace(/(<!-- matrix -->\n)[\s\S]*?(<!-- \/matrix -->)/, `$1${text}\n$2`);
  if (made !== old) fs.writeFileSync(file, made);
}

async function main() {
  const all = await load();
  if (args.includes('--list')) {
    for (const c of all) console.log(`${c.name.padEnd(24)} ${c.peer.padEnd(9)} ${c.sentence}`);
    return 0;
  }
  const cases = all.filter((c) => !only.length
    || only.some((word) => `${c.name} ${c.peer}`.includes(word)));
  const runs = path.join(labFolder, 'runs');
  const folder = path.join(runs, `${new Date().toISOString().replace(/[:.]/g, '-')}-${runId}`);
  fs.mkdirSync(folder, { recursive: true });
  for (const old of fs.readdirSync(runs).sort().slice(0, -5)) {
    fs.rmSync(path.join(runs, old), { recursive: true, force: true });
  }
  const versions = [gateway.version(), await browser.version(), asterisk.version(),
    baresip.version(), sipp.version(), kamailio.version(), rtpengine.version(),
    prosody.version(), ejabberd.version(), chatPhone.version(), slixmpp.version()].filter(Boolean);
  console.log(`interop: ${versions.join(', ')}`);
  console.log(`interop: ${cases.length} cases, logs in ${folder}`);
  const shared = new Shared(folder);
  const results = new Map();
  for (const kase of cases) {
    const result = await one(kase, shared, folder);
    results.set(`${kase.name} × ${kase.peer}`, result);
    say(kase, result);
  }
  await again(cases, results, shared, folder);
  await shared.stop();
  await endAll();
  const slow = [...results].sort((a, b) => b[1].seconds - a[1].seconds).slice(0, 10);
  console.log(`\nThe slowest:\n${slow.map(([k, r]) => `  ${r.seconds.toFixed(1)} s ${k}`).join('\n')}`);
  const text = table(cases, results, versions);
  fs.writeFileSync(path.join(folder, 'matrix.md'), `${text}\n`);
  if (!only.length) write(text);
  const count = (what) => [...results.values()].filter((r) => r.outcome === what).length;
  const missing = [...results.values()].filter((r) => r.missing).length;
  const verdict = [`${count('pass')} passed, ${count('unsteady')} unsteady, ${count('fail')} failed, \
${count('cannot')} skipped`];
  for (const [key, result] of results) {
    if (result.outcome === 'fail' || result.outcome === 'unsteady') {
      verdict.push(`${mark(result)} ${key}: ${result.reason.split('\n')[0]}`);
    }
  }
  console.log(`\n${verdict.join('\n')}`);
  fs.writeFileSync(path.join(labFolder, 'verdict'), `${verdict.join('\n')}\n`);
  if (mustHaveAll && missing) {
    console.error(`interop: ${missing} cases lack their peer, which is a failure where CI=true`);
    return 1;
  }
  return count('fail') || !results.size ? 1 : 0;
}

if (!ownNetwork && !args.includes('--here') && !args.includes('--list')) {
  const again = spawnSync(path.join(interop, 'in-lab.sh'), [process.execPath, ...process.argv.slice(1)],
    { stdio: 'inherit', timeout: 3_600_000 });
  if (again.status === 77) {
    console.error('interop: run with --here to use plain loopback instead');
  }
  process.exit(again.status ?? 1);
}
process.exit(await main());
