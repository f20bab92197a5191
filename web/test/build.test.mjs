// What is checked in is what the sources build.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { buildAll } from "../tools/build.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));

function files(folder, under = "") {
  return readdirSync(join(folder, under))
    .sort()
    .flatMap((name) => {
      const path = join(under, name);
      return statSync(join(folder, path)).isDirectory() ? files(folder, path) : [path];
    });
}

test("dist is what the sources build", async () => {
  const fresh = mkdtempSync(join(tmpdir(), "crosspoint-web-"));
  try {
    await buildAll(fresh);
    assert.deepEqual(files(dist), files(fresh));
    for (const name of files(fresh)) {
      const [kept, built] = [dist, fresh].map((from) => readFileSync(join(from, name), "utf8"));
      assert.ok(kept === built, `web/dist/${name} is stale: run npm run build in web/`);
    }
  } finally {
    rmSync(fresh, { recursive: true });
  }
});

test("the page asks for nothing that a strict content policy would refuse", () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  assert.doesNotMatch(html, /\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)|https?:\/\/|data:/);
  const css = readFileSync(join(dist, "page.css"), "utf8");
  assert.doesNotMatch(css, /@import|url\(/);
  for (const name of ["page.js", "crosspoint.js"]) {
    const script = readFileSync(join(dist, name), "utf8");
    assert.doesNotMatch(script, /\beval\(|new Function|innerHTML|setAttribute\("style"/, name);
  }
});

test("the library is one module, which the page takes from the server", () => {
  assert.doesNotMatch(readFileSync(join(dist, "crosspoint.js"), "utf8"), /^import /m);
  const imports = readFileSync(join(dist, "page.js"), "utf8").match(/from "[^"]+"/g);
  assert.deepEqual(
    imports,
    imports.map(() => 'from "./crosspoint.js"'),
  );
});
