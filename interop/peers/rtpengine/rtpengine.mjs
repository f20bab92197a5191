// rtpengine in the lab: in user space, without its kernel module, ordered about by Kamailio.

import { spawnSync } from 'node:child_process';
import { Cannot, address, freePort } from '../../src/lab.mjs';

/** The installed version, or null. */
export function version() {
  // It says so on its standard error.
  const { stdout, stderr } = spawnSync('rtpengine', ['--version'], { encoding: 'utf8' });
  const found = /Version: (\d+\.\d+\.\d+)/.exec(`${stdout}${stderr}`);
  return found ? `rtpengine ${found[1]}` : null;
}

/** A running rtpengine. */
export class Rtpengine {
  /** Starts one; `port` is that of its control protocol. */
  static async start(ctx) {
    if (!version()) throw new Cannot('rtpengine is not installed (interop/setup.sh)');
    const own = new Rtpengine();
    own.port = await freePort();
    own.child = ctx.start('rtpengine', [
      'rtpengine', '--config-file=none', '--table=-1', '--foreground', '--log-stderr',
      `--log-level=${process.env.CROSSPOINT_LAB_DEBUG ? 7 : 6}`, `--interface=${address}`,
      `--listen-ng=127.0.0.1:${own.port}`, '--port-min=22000', '--port-max=22999',
      '--num-threads=2', '--media-num-threads=0',
    ], { life: 180_000 });
    await own.child.line(/Startup complete/, 10_000);
    return own;
  }
}

/** Starts it; part of every peer's face. */
export const startPeer = (ctx) => Rtpengine.start(ctx);
