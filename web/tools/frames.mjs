// Writes what the library knows of the protocol from docs/protocol.schema.json: src/frames.ts has
// the types, src/tables.ts the same for run time. Both are checked in; a test writes them again and
// compares. Why it is our own: docs/decisions/0014-frames-from-the-schema.md.
//
// It knows the part of JSON Schema that the gateway's types are made of, and refuses all else with
// the place, so that nothing of the protocol is passed over in silence.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The schema of the gateway. */
export const readSchema = () =>
  JSON.parse(readFileSync(join(web, "..", "docs", "protocol.schema.json"), "utf8"));

/** What the library calls a definition, where the schema's name says too little beside others. */
const RENAMED = {
  CandidateInit: "Candidate",
  Code: "ErrorCode",
  EndCause: "Cause",
  Media: "MediaInfo",
};

/** The unions of frames: the schema's name, the library's, and that of what all frames share. */
const UNIONS = [
  ["ClientFrame", "ClientFrame", ["Acknowledging", "What every frame of the client may have."]],
  ["ServerFrame", "ReplyFrame", undefined],
  ["Event", "EventFrame", ["Numbered", "What every event has."]],
];

const COLUMNS = 100;

/** Both files, by name, of a schema. */
export function generate(schema) {
  const model = modelOf(schema);
  return { "frames.ts": typesOf(model), "tables.ts": tablesOf(model) };
}

// --- the schema, read ---

/**
 * What the schema says: `unions` of `frames`, `enums`, `objects` and `choices` by the library's
 * names. A shape is `text`, `flag`, `whole`, `{ list }`, `{ named }` or `{ any: [shapes] }`.
 */
function modelOf(schema) {
  const model = { title: schema.title, unions: [], enums: [], objects: [], choices: [] };
  for (const [from, name, shared] of UNIONS) {
    const definition = schema.$defs[from];
    if (!definition) throw new Error(`$defs.${from} is missing`);
    const variants = only(from, definition, ["description", "oneOf"]).oneOf;
    const frames = variants.map((variant, at) => frameOf(schema, `${from}[${at}]`, variant));
    const [shares, doc] = shared ?? [];
    const base = shares && { name: shares, doc, members: sharedBy(frames) };
    model.unions.push({ name, doc: definition.description, frames, base });
  }
  nameFrames(model.unions);
  for (const name of usedBy(model.unions, schema)) {
    const definition = schema.$defs[name];
    const doc = definition.description;
    const named = { name: nameOf(name), doc };
    if (definition.oneOf) {
      model.enums.push({ ...named, values: valuesOf(name, definition) });
    } else if (definition.anyOf) {
      model.choices.push({ ...named, shape: shapeOf(name, definition) });
    } else {
      model.objects.push({ ...named, members: membersOf(name, definition) });
    }
  }
  return model;
}

const nameOf = (name) => RENAMED[name] ?? name;

/** A frame: its own members, and those of the definition that it refers to. */
function frameOf(schema, place, variant) {
  const { $ref, ...own } = variant;
  const base = $ref ? schema.$defs[refName(place, $ref)] : { properties: {}, required: [] };
  const all = {
    type: "object",
    properties: { ...base.properties, ...own.properties },
    required: [...(base.required ?? []), ...(own.required ?? [])],
  };
  const { const: type } = only(place, all.properties.type, ["const", "type"]);
  only(place, own, ["description", "properties", "required", "type"]);
  const { type: _, ...properties } = all.properties;
  const members = membersOf(place, { ...all, properties });
  return { type, doc: own.description, members };
}

/** The members that all frames of a union have; one may need what the others may leave out. */
function sharedBy(frames) {
  const [first, ...others] = frames;
  return first.members.filter((member) =>
    others.every(({ members }) =>
      members.some((other) => {
        const optional = other.optional || !member.optional ? other.optional : member.optional;
        return JSON.stringify({ ...other, optional }) === JSON.stringify(member);
      }),
    ),
  );
}

/** Frames are named by their type; the client's says so where both sides have one of that name. */
function nameFrames(unions) {
  const pascal = (type) => type.replace(/(?:^|[._])(\w)/g, (_, first) => first.toUpperCase());
  const [client, ...server] = unions;
  const theirs = new Set(server.flatMap(({ frames }) => frames.map(({ type }) => type)));
  for (const frame of client.frames) {
    frame.name = pascal(frame.type) + (theirs.has(frame.type) ? "Request" : "");
  }
  for (const frame of server.flatMap(({ frames }) => frames)) {
    frame.name = frame.type === "error" ? "ErrorFrame" : pascal(frame.type);
  }
}

/** The definitions that members refer to, each after those that it needs. */
function usedBy(unions, schema) {
  const used = new Set();
  const visit = (name) => {
    if (used.has(name)) return;
    for (const other of refsIn(schema.$defs[name])) visit(other);
    used.add(name);
  };
  for (const { frames } of unions) {
    for (const { members } of frames) for (const { refs } of members) refs.forEach(visit);
  }
  return used;
}

function refsIn(value) {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(refsIn);
  return value.$ref ? [refName("", value.$ref), ...inside] : inside;
}

/** Required members in the order of the gateway's types, then the others; `ack` last. */
function membersOf(place, definition) {
  only(place, definition, ["description", "properties", "required", "type"]);
  const { properties, required = [] } = definition;
  const place_ = (name) => {
    if (name === "ack" && !required.includes(name)) return 1000;
    const at = ["type", "seq", "id", "call"].indexOf(name);
    if (at >= 0) return at;
    return required.includes(name) ? 10 + required.indexOf(name) : 100;
  };
  return Object.entries(properties)
    .sort(([a], [b]) => place_(a) - place_(b) || (a < b ? -1 : 1))
    .map(([name, schema]) => ({
      name,
      doc: schema.description,
      optional: !required.includes(name),
      shape: shapeOf(`${place}.${name}`, schema),
      refs: refsIn(schema),
    }));
}

function valuesOf(place, { oneOf, description: _, ...rest }) {
  only(place, rest, []);
  return oneOf.map((one) => {
    const { const: value, description: doc } = only(place, one, ["const", "description", "type"]);
    return { value, doc };
  });
}

function shapeOf(place, schema) {
  const { description: _, default: __, ...rest } = schema;
  if (rest.$ref) return { named: nameOf(refName(place, only(place, rest, ["$ref"]).$ref)) };
  if (rest.anyOf) {
    return { any: only(place, rest, ["anyOf"]).anyOf.map((one) => shapeOf(place, one)) };
  }
  if (Array.isArray(rest.type)) {
    const { type: types, ...limits } = rest;
    const one = (type) => (type === "null" ? { type } : { ...limits, type });
    return { any: types.map((type) => shapeOf(place, one(type))) };
  }
  switch (rest.type) {
    case "string":
      only(place, rest, ["type"]);
      return "text";
    case "boolean":
      only(place, rest, ["type"]);
      return "flag";
    case "null":
      only(place, rest, ["type"]);
      return "none";
    case "integer":
      only(place, rest, ["type", "format", "minimum", "maximum"]);
      if (rest.minimum !== 0) throw new Error(`${place}: expected whole numbers from 0`);
      return rest.maximum === undefined ? "whole" : { whole: rest.maximum };
    case "array":
      return { list: shapeOf(place, only(place, rest, ["type", "items"]).items) };
    default:
      throw new Error(`${place}: not known: ${JSON.stringify(rest)}`);
  }
}

function refName(place, ref) {
  const name = /^#\/\$defs\/(\w+)$/.exec(ref)?.[1];
  if (!name) throw new Error(`${place}: expected a definition, not ${ref}`);
  return name;
}

/** Refuses what this generator would pass over. */
function only(place, schema, known) {
  for (const key of Object.keys(schema)) {
    if (!known.includes(key)) throw new Error(`${place}: ${key} is not known`);
  }
  return schema;
}

// --- src/frames.ts ---

function typesOf({ title, unions, enums, objects, choices }) {
  const [, reply, event] = unions;
  const parts = [
    `/**
 * The frames of \`${title}\`, as types: what goes over the WebSocket, one JSON object a frame.
 * Written from \`docs/protocol.schema.json\` by \`npm run frames\`, not by hand; \`docs/protocol.md\`
 * explains it, and \`tables.ts\` is the same for run time.
 */`,
    `/** The subprotocol of the WebSocket. */\nexport const SUBPROTOCOL = ${JSON.stringify(title)};`,
    ...unions.map(({ name, doc, frames }) =>
      alias(name, doc, frames.map((frame) => frame.name)),
    ),
    alias("ServerFrame", "What the gateway says.", [reply.name, event.name]),
    ...unions.flatMap(({ base, frames }) => [
      ...(base ? [interfaceOf(base.name, base.doc, base.members.map(memberType))] : []),
      ...frames.map((frame) => frameType(frame, base)),
    ]),
    ...objects.map(({ name, doc, members }) => interfaceOf(name, doc, members.map(memberType))),
    ...choices.map(({ name, doc, shape }) => alias(name, doc, typeOf(shape).split(" | "))),
    ...enums.map(({ name, doc, values }) => {
      const lines = values.map(({ value, doc }) => `  | ${JSON.stringify(value)}${trail(doc)}`);
      return `${comment(doc)}export type ${name} =\n${lines.join("\n")};`.replace(
        /( \/\/ [^\n]*);$/,
        ";$1",
      );
    }),
  ];
  return `${parts.join("\n\n")}\n`;
}

function frameType({ name, doc, type, members }, base) {
  const shared = new Set(base?.members.map((member) => JSON.stringify(member)));
  const own = members.filter((member) => !shared.has(JSON.stringify(member)));
  const from = base ? ` extends ${base.name}` : "";
  return interfaceOf(name + from, doc, [`  type: ${JSON.stringify(type)};`, ...own.map(memberType)]);
}

function interfaceOf(name, doc, lines) {
  return `${comment(doc)}export interface ${name} {\n${lines.join("\n")}\n}`;
}

function memberType({ name, doc, optional, shape }) {
  return `${comment(doc, "  ")}  ${name}${optional ? "?" : ""}: ${typeOf(shape)};`;
}

function typeOf(shape) {
  if (shape === "text") return "string";
  if (shape === "flag") return "boolean";
  if (shape === "none") return "null";
  if (shape === "whole" || shape.whole) return "number";
  if (shape.named) return shape.named;
  if (shape.list) return shape.list.any ? `(${typeOf(shape.list)})[]` : `${typeOf(shape.list)}[]`;
  return shape.any.map(typeOf).join(" | ");
}

function alias(name, doc, of) {
  const line = `export type ${name} = ${of.join(" | ")};`;
  const lines = `export type ${name} =\n${of.map((one) => `  | ${one}`).join("\n")};`;
  return comment(doc) + (line.length <= COLUMNS ? line : lines);
}

const trail = (doc) => (doc ? ` // ${doc.replace(/\s+/g, " ")}` : "");

function comment(doc, indent = "") {
  if (!doc) return "";
  if (doc.includes("*/")) throw new Error(`a comment would end inside: ${doc}`);
  const text = doc.replace(/\s+/g, " ");
  const line = `${indent}/** ${text} */\n`;
  if (line.length <= COLUMNS + 1) return line;
  return `${indent}/**\n${wrap(text, `${indent} * `)}\n${indent} */\n`;
}

function wrap(text, indent) {
  const lines = [indent.trimEnd()];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= COLUMNS) lines[lines.length - 1] = longer;
    else lines.push(`${indent}${word}`);
  }
  return lines.join("\n");
}

// --- src/tables.ts ---

function tablesOf({ title, unions, enums, objects, choices }) {
  const parts = [
    `/**
 * The frames of \`${title}\`, for run time: every member of every frame, and every word. Written
 * from \`docs/protocol.schema.json\` by \`npm run frames\`, not by hand; \`frames.ts\` has the same as
 * types, and the compiler holds one against the other.
 */
import type * as Frames from "./frames.js";
import { anyOf, flag, list, members, none, oneOf, optional, text, whole } from "./checks.js";
import type { Table } from "./checks.js";`,
    ...enums.map(({ name, doc, values }) => {
      const words = values.map(({ value }) => `${value}: true`);
      const open = `export const ${camel(name)} = oneOf<Frames.${name}>(`;
      const line = `${open}{ ${words.join(", ")} });`;
      return comment(doc) + (line.length <= COLUMNS ? line : `${open}${fill(words)});`);
    }),
    ...choices.map(({ name, shape }) => `const ${camel(name)} = ${checkOf(shape)};`),
    ...objects.map(({ name, members }) => {
      return `const ${camel(name)} = members({\n${rows(members, "  ")}\n});`;
    }),
    ...unions.map(({ name, doc, frames }) => {
      const lines = frames.map(({ type, members }) => {
        const key = /^\w+$/.test(type) ? type : JSON.stringify(type);
        return `  ${key}: {\n${rows(members, "    ")}\n  },`;
      });
      const table = camel(name).replace("Frame", "Table");
      return `${comment(doc)}export const ${table}: Table<Frames.${name}> = {\n${lines.join("\n")}\n};`;
    }),
  ];
  return `${parts.join("\n\n")}\n`;
}

const camel = (name) => name[0].toLowerCase() + name.slice(1);

function rows(members, indent) {
  return members
    .map(({ name, optional, shape }) => {
      const check = optional ? `optional(${checkOf(shape)})` : checkOf(shape);
      return `${indent}${check === name ? name : `${name}: ${check}`},`;
    })
    .join("\n");
}

function checkOf(shape) {
  if (typeof shape === "string") return shape === "whole" ? "whole()" : shape;
  if (shape.whole) return `whole(${shape.whole})`;
  if (shape.named) return camel(shape.named);
  if (shape.list) return `list(${checkOf(shape.list)})`;
  return `anyOf(${shape.any.map(checkOf).join(", ")})`;
}

function fill(items) {
  return `{\n${items.map((item) => `  ${item},`).join("\n")}\n}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generate(readSchema()))) {
    writeFileSync(join(web, "src", name), text);
  }
}
