// Builds dist/: the library and the page. The result is checked in; `npm test` builds again and compares.
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
export async function buildTo(out) {
  await mkdir(out, { recursive: true });
  const common = { bundle: true, format: 'esm', target: 'es2022', charset: 'utf8', legalComments: 'none', logLevel: 'warning', absWorkingDir: root };
  await build({ ...common, entryPoints: ['src/index.ts'], outfile: path.join(out, 'crosspoint.js') });
  await build({ ...common, entryPoints: ['demo/page.ts'], outfile: path.join(out, 'page.js'), external: ['/crosspoint.js'] });
  for (const file of ['index.html', 'page.css']) await copyFile(path.join(root, 'demo', file), path.join(out, file));
}
if (process.argv[1] === fileURLToPath(import.meta.url)) await buildTo(path.join(root, 'dist'));
