// Loads a module of the library for a test, bundled in memory.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export async function load(name) {
  const web = fileURLToPath(new URL("..", import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: web,
    entryPoints: [`src/${name}.ts`],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  return import(`data:text/javascript;base64,${code}`);
}
