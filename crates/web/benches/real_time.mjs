/* Prints the time of the built-in `vad` as a fraction of the recording, for both modules: median of 9 rounds that alternate.
 * usage: node crates/web/benches/real_time.mjs FOLDER    FOLDER: of `stapes export vad --to web --out FOLDER` */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { classify, compile, load, stream } = await import(pathToFileURL(join(folder, "stapes/stapes.js")));

const RATE = 16000;
const SECONDS = 10;
const ROUNDS = 9;

/* Noise that comes and goes. */
let state = 1;
const samples = Float32Array.from({ length: SECONDS * RATE }, (_, at) => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  return (state / 2 ** 31 - 0.5) * 0.3 * Math.sin(at / RATE) ** 2;
});

const modules = await Promise.all(
  ["stapes-simd.wasm", "stapes.wasm"].map(async (name) => ({ name, module: await compile(readFileSync(join(folder, "stapes", name))) })),
);
for (const one of modules) one.model = await load(readFileSync(join(folder, "vad.safetensors")), { module: one.module });

const tasks = {
  classify: (model) => classify(model, samples, RATE),
  stream(model) {
    const live = stream(model, RATE, { scores: true });
    for (let at = 0; at < samples.length; at += 128) live.push(samples.subarray(at, at + 128));
    live.finish();
    live.free();
  },
};

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
for (const [task, run] of Object.entries(tasks)) {
  const times = modules.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    modules.forEach(({ model }, at) => {
      const start = performance.now();
      run(model);
      /* The first round compiles. */
      if (round > 0) times[at].push((performance.now() - start) / 1000 / SECONDS);
    });
  }
  modules.forEach(({ name }, at) => console.log(`${task}, ${name}: ${median(times[at]).toFixed(4)} of real time`));
}
