// docs/protocol.schema.json is generated from the gateway's types; the library's frames are
// generated from it. The files are compared, and what the library reads is held against the schema
// once more, without the generator: each member of each frame, each word of each list.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { generate, readSchema } from "../tools/frames.mjs";
import { load } from "./load.mjs";

const { readClientFrame, readServerFrame } = await load("shapes");
const schema = readSchema();

test("the frames of the library are those of the schema", () => {
  for (const [name, text] of Object.entries(generate(schema))) {
    const kept = readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8");
    assert.ok(kept === text, `web/src/${name} is stale: run npm run frames in web/`);
  }
});

/** What the generator makes of a schema that has become another. */
function after(change) {
  const other = structuredClone(schema);
  change(other.$defs);
  return generate(other);
}

test("a member or a word more in the schema changes both files", () => {
  const before = generate(schema);
  const changes = {
    member: ($defs) => ($defs.Header.properties.more = { type: "string" }),
    "client's member": ($defs) => ($defs.Ping.properties.more = { type: "boolean" }),
    "event's member": ($defs) => ($defs.Event.oneOf[3].properties.more = { type: "string" }),
    "needed member": ($defs) => $defs.CallCreate.required.push("account"),
    word: ($defs) => $defs.Code.oneOf.push({ const: "tired", type: "string" }),
    frame: ($defs) => {
      const properties = { type: { const: "call.more", type: "string" } };
      $defs.ServerFrame.oneOf.push({ properties, required: ["type"], type: "object" });
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    const now = after(change);
    for (const name of Object.keys(before)) assert.notEqual(now[name], before[name], what);
  }
});

test("what the generator does not know it refuses, with the place", () => {
  const cases = [
    [($defs) => ($defs.Header.properties.name.pattern = "x"), /Header\.name: pattern/],
    [($defs) => ($defs.Header.additionalProperties = false), /Header: additionalProperties/],
    [($defs) => ($defs.Limits.properties.calls.type = "number"), /Limits\.calls: not known/],
    [($defs) => delete $defs.Event, /\$defs\.Event is missing/],
  ];
  for (const [change, message] of cases) assert.throws(() => after(change), message);
});

// --- the schema itself, for samples ---

const resolved = (part) => (part.$ref ? schema.$defs[part.$ref.split("/").at(-1)] : part);

/** Every value that matters of a part of the schema: each word, each alternative. */
function goods(part) {
  const of = resolved(part);
  if (of.const !== undefined) return [of.const];
  if (of.oneOf ?? of.anyOf) return (of.oneOf ?? of.anyOf).flatMap(goods);
  if (Array.isArray(of.type)) return of.type.flatMap((type) => goods({ ...of, type }));
  switch (of.type) {
    case "string":
      return ["text"];
    case "boolean":
      return [true, false];
    case "null":
      return [null];
    case "integer":
      return [of.minimum, of.maximum ?? 2 ** 53 - 1];
    case "array":
      return [[], goods(of.items)];
    case "object":
      return objects(of, goods);
  }
  throw new Error(`not known: ${JSON.stringify(of)}`);
}

/** The like that the schema refuses. */
function bads(part) {
  const foreign = [undefined, null, -1, 0.5, 2 ** 60, 65536, "no such word", true, {}, [[]], [null]];
  return foreign.filter((value) => !fits(part, value));
}

function fits(part, value) {
  const of = resolved(part);
  if (of.const !== undefined) return value === of.const;
  if (of.oneOf ?? of.anyOf) return (of.oneOf ?? of.anyOf).some((one) => fits(one, value));
  if (Array.isArray(of.type)) return of.type.some((type) => fits({ ...of, type }, value));
  switch (of.type) {
    case "string":
    case "boolean":
      return typeof value === of.type;
    case "null":
      return value === null;
    case "integer":
      return Number.isSafeInteger(value) && value >= of.minimum && value <= (of.maximum ?? Infinity);
    case "array":
      return Array.isArray(value) && value.every((one) => fits(of.items, one));
    case "object":
      if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      return Object.entries(of.properties).every(([name, member]) =>
        value[name] === undefined ? !of.required?.includes(name) : fits(member, value[name]),
      );
  }
  throw new Error(`not known: ${JSON.stringify(of)}`);
}

/** One object with all members, one with the needed ones, and one for each other value of each. */
function objects({ properties, required = [] }, of) {
  const names = Object.keys(properties);
  const full = Object.fromEntries(names.map((name) => [name, of(properties[name])[0]]));
  const least = Object.fromEntries(required.map((name) => [name, full[name]]));
  const varied = names.flatMap((name) =>
    of(properties[name]).map((value) => ({ ...full, [name]: value })),
  );
  return [full, least, ...varied];
}

/** Every frame of the schema with how the library reads it. */
function frames() {
  return ["ClientFrame", "ServerFrame", "Event"].flatMap((union) =>
    schema.$defs[union].oneOf.map(({ $ref, ...own }) => {
      const base = $ref ? resolved({ $ref }) : {};
      return {
        read: union === "ClientFrame" ? readClientFrame : readServerFrame,
        type: own.properties.type.const,
        properties: { ...base.properties, ...own.properties },
        required: [...new Set([...(base.required ?? []), ...own.required])],
      };
    }),
  );
}

/** The one rule beyond the schema: only a rollback has no text. */
const described = ({ description }) =>
  !description || description.type === "rollback" || description.sdp !== undefined;

test("the library reads what the schema allows", () => {
  let read = 0;
  for (const frame of frames()) {
    for (const sample of objects(frame, goods)) {
      const text = JSON.stringify(sample);
      if (described(sample)) assert.deepEqual(frame.read(text), sample, text);
      else assert.throws(() => frame.read(text), /description/, text);
      read += 1;
    }
  }
  assert.ok(read > 300, `only ${read} samples`);
});

test("the library refuses what the schema does not allow", () => {
  let refused = 0;
  for (const frame of frames()) {
    const [full] = objects(frame, goods);
    for (const [name, part] of Object.entries(frame.properties)) {
      if (name === "type") continue;
      const needed = frame.required.includes(name);
      for (const bad of bads(part)) {
        const text = JSON.stringify({ ...full, [name]: bad });
        if (bad === undefined && !needed) assert.ok(frame.read(text), `${name} in ${text}`);
        else assert.throws(() => frame.read(text), new RegExp(`${name} is missing`), text);
        refused += 1;
      }
      for (const bad of worse(part)) {
        const text = JSON.stringify({ ...full, [name]: bad });
        assert.throws(() => frame.read(text), new RegExp(`${name} is missing`), text);
        refused += 1;
      }
    }
  }
  assert.ok(refused > 900, `only ${refused} samples`);
});

/** Objects, also in lists, that are wrong in one of their members. */
function worse(part) {
  const of = resolved(part);
  if (of.anyOf) return of.anyOf.flatMap(worse);
  if (of.type === "array") return worse(of.items).map((one) => [one]);
  if (of.type !== "object") return [];
  const [full] = objects(of, goods);
  return Object.entries(of.properties).flatMap(([name, member]) =>
    bads(member)
      .filter((bad) => bad !== undefined || of.required?.includes(name))
      .map((bad) => ({ ...full, [name]: bad })),
  );
}
