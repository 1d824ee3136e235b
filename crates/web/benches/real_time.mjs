/* Prints the time of the built-in `vad` as a fraction of the recording, for both modules, in Node.js and in headless Chromium.
 * usage: node crates/web/benches/real_time.mjs FOLDER [CHROMIUM]
 *   FOLDER: of `stapes export vad --to web --out FOLDER`    CHROMIUM: program of the browser; without it only Node.js is measured */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { measure } from "./measure.mjs";

const [folder, chromium] = process.argv.slice(2);

const MIME = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const PAGE = `<!doctype html><title>Real time</title><script type="module">
  import { measure } from "/measure.mjs";
  import * as stapes from "/stapes/stapes.js";
  const read = async (path) => (await fetch(path)).arrayBuffer();
  const text = await measure(stapes, read).then((lines) => lines.join("\\n"), String);
  await fetch("/result", { method: "POST", body: text });
</script>`;

/** Measures in a browser, whose page sends the result to a server here. */
async function inBrowser(program) {
  let answer;
  const result = new Promise((resolve) => (answer = resolve));
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method === "POST") {
      let text = "";
      for await (const part of request) text += part;
      response.end();
      return answer(text);
    }
    if (pathname === "/") return response.setHeader("content-type", "text/html").end(PAGE);
    const file = pathname === "/measure.mjs" ? new URL("measure.mjs", import.meta.url) : join(folder, pathname);
    try {
      response.setHeader("content-type", MIME[extname(pathname)] ?? "application/octet-stream").end(readFileSync(file));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const profile = mkdtempSync(join(tmpdir(), "stapes-browser-"));
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  const browser = spawn(program, [...options, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
  const ended = once(browser, "exit");
  const text = await Promise.race([result, ended.then(() => "the browser ended before the result")]);
  browser.kill();
  await ended;
  server.close();
  server.closeAllConnections();
  rmSync(profile, { recursive: true, force: true });
  return text;
}

const stapes = await import(pathToFileURL(join(folder, "stapes/stapes.js")));
const lines = await measure(stapes, (path) => readFileSync(join(folder, path)));
console.log(`Node.js ${process.version}\n${lines.join("\n")}`);
if (chromium) console.log(`${chromium}\n${await inBrowser(chromium)}`);
