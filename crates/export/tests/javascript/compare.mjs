/* Prints the largest difference between the scores of the package and those of this program, for each model of a folder.
 * usage: node compare.mjs FOLDER MODULE */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, module] = process.argv.slice(2);
const { classify, compile, load, stream } = await import(pathToFileURL(join(folder, "stapes/stapes.js")));
const compiled = await compile(readFileSync(join(folder, "stapes", module)));

const floats = (name) => new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer);

/* NaN is the largest. */
function difference(found, expected) {
  if (found.length !== expected.length) return NaN;
  return found.reduce((largest, value, at) => (Math.abs(value - expected[at]) <= largest ? largest : Math.abs(value - expected[at])), 0);
}

for (const { name, recordings, rate } of JSON.parse(readFileSync(join(folder, "cases.json")))) {
  const model = await load(readFileSync(join(folder, `${name}.safetensors`)), { module: compiled });
  for (const recording of recordings) {
    const samples = floats(`${recording}.samples`);
    const found = [difference(classify(model, samples, rate).probabilities, floats(`${recording}.scores`))];
    let streamed;
    try {
      streamed = floats(`${recording}.stream`);
    } catch {
      /* The model needs the whole recording. */
    }
    if (streamed) {
      const live = stream(model, rate, { scores: true });
      const events = [];
      for (let at = 0; at < samples.length; at += 333) events.push(...live.push(samples.subarray(at, at + 333)));
      events.push(...live.finish());
      live.free();
      const rows = events.filter(({ type }) => type === "scores").flatMap(({ probabilities }) => [...probabilities]);
      found.push(difference(rows, streamed));
    }
    console.log(name, ...found);
  }
  model.free();
}
