/* Exported pages, sent by a plain server of files. */

import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

/* What a simple server knows; for the rest it sends no type. */
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json" };

/** Runs stapes; returns its standard output. */
export function stapes(...args) {
  const { status, stdout, stderr } = spawnSync(process.env.STAPES, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`stapes ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Exports a model to a folder; returns the folder. */
export function exportModel(model) {
  const folder = join(process.env.OUT, `${model}-web`);
  stapes("export", model, "--to", "web", "--out", folder, "--force");
  return folder;
}

/** Sends the files of a folder; resolves to the address and `stop`. */
export async function sendFiles(folder) {
  const server = createServer(({ url }, response) => {
    const path = join(folder, normalize(new URL(url, "http://host").pathname).replace(/\/$/, "/index.html"));
    if (!existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
    const type = TYPES[extname(path)];
    response.writeHead(200, type ? { "content-type": type } : {});
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** Runs stapes with --json; returns the row of the first file. */
export const rowOf = (...args) => JSON.parse(stapes(...args, "--json").split("\n")[0]);
