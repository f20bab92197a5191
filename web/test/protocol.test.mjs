// docs/protocol.md is the contract: every example is a frame that the library reads, and its tables
// name what the library names. That the library has the schema is the matter of schema.test.mjs.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { load } from "./load.mjs";

const { readClientFrame, readServerFrame } = await load("shapes");
const { cause, errorCode, clientTable, replyTable, eventTable } = await load("tables");
const { close } = await load("protocol");
const { endWords, errorWords } = await load("words");
const document = new URL("../../docs/protocol.md", import.meta.url);
const missing = existsSync(document) ? false : "docs/protocol.md is not there";

/** The examples: `→` from the client, `←` from the gateway; a long one goes on below. */
function examples() {
  const found = [];
  for (const [, block] of readFileSync(document, "utf8").matchAll(/^```text\n([^]*?)^```/gm)) {
    for (const line of block.split("\n")) {
      if (/^[→←]/.test(line)) found.push({ from: line[0], text: line.slice(1).trim() });
      else if (line.trim() !== "" && found.length > 0) found.at(-1).text += line.trim();
    }
  }
  return found;
}

test("every example of docs/protocol.md is read by the library", { skip: missing }, () => {
  const all = examples();
  assert.ok(all.length > 60, `only ${all.length} examples`);
  const read = new Set();
  for (const { from, text } of all) {
    const frame = from === "→" ? readClientFrame(text) : readServerFrame(text);
    assert.ok(frame, `unknown type: ${text}`);
    read.add(frame.type);
  }
  const unread = [clientTable, replyTable, eventTable]
    .flatMap(Object.keys)
    .filter((type) => !read.has(type));
  assert.deepEqual(unread, [], "types without an example");
});

test("an example without one of its members is refused", { skip: missing }, () => {
  let refused = 0;
  for (const { from, text } of examples()) {
    const { type: _, ...members } = JSON.parse(text);
    for (const member of Object.keys(members)) {
      const less = { ...JSON.parse(text) };
      less[member] = -0.5;
      const read = from === "→" ? readClientFrame : readServerFrame;
      if (member === "detail") continue;
      assert.throws(
        () => read(JSON.stringify(less)),
        undefined,
        `${text} without a good ${member}`,
      );
      refused += 1;
    }
  }
  assert.ok(refused > 150);
});

test("codes and causes are those of the tables, each with its words", { skip: missing }, () => {
  const [, codes, causes] = readFileSync(document, "utf8").match(
    /### Error codes\n([^]*?)### Causes\n([^]*?)### Close codes/,
  );
  const rows = (table) => [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(rows(codes).sort(), [...errorCode.words].sort());
  for (const code of rows(codes)) assert.ok(errorWords(code).what, code);
  assert.deepEqual(rows(causes).sort(), [...cause.words].sort());
  const known = (cause) => cause === "internal" || endWords(cause) !== endWords("internal");
  assert.deepEqual(
    rows(causes).filter((cause) => !known(cause)),
    [],
  );
});

test("close codes are those of the table", { skip: missing }, () => {
  const [, table] = readFileSync(document, "utf8").match(/### Close codes\n([^]*)$/);
  const rows = [...table.matchAll(/^\| (\d{4}) /gm)].map(([, code]) => Number(code));
  assert.deepEqual(rows.sort(), Object.values(close).sort());
});

test("what is no frame is refused with a sentence; what is unknown is passed over", () => {
  for (const bad of ["", "[]", "7", "{}", '{"type":7}', '{"type":"pong","id":7}']) {
    assert.throws(() => readServerFrame(bad), /expected|missing/, bad);
  }
  assert.equal(readServerFrame('{"type":"call.tomorrow","seq":1}'), undefined);
  assert.equal(readServerFrame('{"type":"constructor"}'), undefined);
  assert.equal(readServerFrame('{"type":"pong","new":{"member":1}}').type, "pong");
});
