// Builds what the gateway serves, into dist/ or the folder that is given. The same input gives the
// same bytes: the result is checked in, and a test builds it again and compares.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The page takes the library from the server, as any other page would. */
const libraryIsServed = {
  name: "library-is-served",
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/index\.js$/ }, () => ({ path: "./crosspoint.js", external: true }));
  },
};

const common = {
  absWorkingDir: web,
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

export async function buildAll(into) {
  mkdirSync(into, { recursive: true });
  const named = (name, what) => ({
    outfile: join(into, name),
    banner: { js: `// ${what} Built from web/; see web/README.md.` },
  });
  await build({
    ...common,
    ...named("crosspoint.js", "The browser client of crosspoint."),
    entryPoints: ["src/index.ts"],
  });
  await build({
    ...common,
    ...named("page.js", "The demo page of crosspoint."),
    entryPoints: ["demo/page.ts"],
    plugins: [libraryIsServed],
  });
  for (const name of ["index.html", "icon.svg", "page.css"]) {
    copyFileSync(join(web, "demo", name), join(into, name));
  }
  const types = join(into, "types");
  rmSync(types, { recursive: true, force: true });
  const tsc = join(web, "node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", join(web, "tsconfig.types.json"), "--outDir", types];
  execFileSync(process.execPath, args, { stdio: "inherit" });
  writeFileSync(join(into, "crosspoint.d.ts"), 'export * from "./types/index.js";\n');
  for (const name of ["crosspoint.js", "page.js"]) {
    // What goes into the binary names no place on the machine that built it.
    if (readFileSync(join(into, name), "utf8").includes(web)) {
      throw new Error(`${name} names ${web}`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildAll(resolve(process.argv[2] ?? join(web, "dist")));
}
