// Bundles the front end: `static/app.js`, `stage.js` and `app.css` become files of the same names in `dist`, minified, without source maps.
//
// `edition.js` is the front end of the static edition: a classic script, because pages on a disk can load no modules.
// `stage.js` is a module of its own, without any package: pages load it from `app.js`, and whoever has frames may load it alone.
// Names are stable (`app.js`, `stage.js`, `app.css`); fonts and other files that the style sheet names are copied beside them with a content hash.
// `dist/manifest.json` maps each stable name to its content hash, for `?v=` in the pages: {"app.js": "1a2b3c4d5e6f", …}.
// The licences of what was bundled are gathered in `dist/licences.txt`. Nothing is fetched at build or run time.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const fresh = join(here, `.dist-${process.pid}`);

try {
  const { metafile } = await bundle(fresh);
  await bundle(fresh, { entryPoints: ["edition.js"], format: "iife" });
  await writeManifest(fresh);
  await writeLicences(fresh, metafile);
  await replace(dist, fresh);
} catch (error) {
  await rm(fresh, { recursive: true, force: true });
  if (!error.errors) console.error(error); // esbuild has printed its own already
  process.exit(1);
}

function bundle(outdir, options = {}) {
  return build({
    absWorkingDir: here,
    entryPoints: ["app.js", "stage.js", "app.css"],
    outdir,
    bundle: true,
    minify: true,
    sourcemap: false,
    metafile: true,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16.4"],
    loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
    assetNames: "[name]-[hash]",
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
}

async function writeManifest(directory) {
  const names = (await readdir(directory)).filter((name) => /\.(js|css)$/.test(name)).sort();
  const entries = await Promise.all(
    names.map(async (name) => [name, createHash("sha256").update(await readFile(join(directory, name))).digest("hex").slice(0, 12)]),
  );
  await writeFile(join(directory, "manifest.json"), JSON.stringify(Object.fromEntries(entries), null, 2) + "\n");
}

async function writeLicences(directory, metafile) {
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const found = input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
  const texts = await Promise.all([...packages].sort().map(licence));
  await writeFile(join(directory, "licences.txt"), texts.join("\n\n"));
}

async function licence(name) {
  const directory = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(join(directory, file), "utf8") : "";
  return `${name} ${version} (${license})\n\n${text}`;
}

async function replace(old, next) {
  await mkdir(dirname(old), { recursive: true });
  await rm(old, { recursive: true, force: true });
  await rename(next, old);
}
