/* Servers, started as a user starts them. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts `stapes serve vad digits` with further options; resolves to its address, port and `stop`. */
export async function serve(options = [], { port = 0, environment = {} } = {}) {
  const command = ["serve", "vad", "digits", "--addr", `127.0.0.1:${port}`, ...options];
  const child = spawn(process.env.STAPES, command, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...environment } });
  const lines = createInterface({ input: child.stderr });
  const url = await new Promise((resolve, reject) => {
    const seen = [];
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${seen.join("\n")}`)));
    lines.on("line", (line) => {
      seen.push(line);
      const found = /^http:\/\/[\d.:]+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
  return { url: `${url}/`, port: Number(new URL(url).port), stop };
}
