// What is checked in is what the sources build.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildTo } from '../tools/build.mjs';

const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist');

test('dist is what the sources build', async () => {
  const fresh = await mkdtemp(path.join(os.tmpdir(), 'crosspoint-web-'));
  try {
    await buildTo(fresh);
    assert.deepEqual((await readdir(dist)).sort(), (await readdir(fresh)).sort());
    for (const name of await readdir(fresh)) {
      const [ours, built] = await Promise.all([dist, fresh].map((folder) => readFile(path.join(folder, name), 'utf8')));
      assert.equal(ours, built, `web/dist/${name} is stale: run npm run build`);
    }
  } finally {
    await rm(fresh, { recursive: true });
  }
});
