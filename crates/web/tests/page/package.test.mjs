/* The package for JavaScript in Node.js, against the command line. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { SEVEN, RATE, samples, skip, writePhrases } from "./sounds.mjs";
import { exportModel, rowOf } from "./static.mjs";

const phrases = `${process.env.OUT}/phrases-of-package.wav`;
let library, folders, modules;

before(async () => {
  if (skip) return;
  writePhrases(phrases);
  folders = Object.fromEntries(["vad", "digits"].map((model) => [model, exportModel(model)]));
  library = await import(pathToFileURL(join(folders.vad, "stapes/stapes.js")));
  const read = (name) => library.compile(readFileSync(join(folders.vad, "stapes", name)));
  modules = { simd: await read("stapes-simd.wasm"), scalar: await read("stapes.wasm") };
});

const floats = (path) => Float32Array.from(samples(readFileSync(path)), (value) => value / 32768);
const load = (model, module) => library.load(pathToFileURL(join(folders[model], `${model}.safetensors`)), { module });
const assertClose = (found, expected, name) => {
  assert.equal(found.length, expected.length, name);
  found.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) <= 1e-5, `${name} ${at}: ${value} ${expected[at]}`));
};

describe("the package", { skip }, () => {
  test("has the probabilities, segments and events of the command line, with and without vector instructions", async () => {
    assert.equal(library.hasSimd(), true);
    const sound = floats(phrases);
    const rows = rowOf("predict", "vad", phrases);
    const { segments } = rowOf("vad", phrases);
    const seven = rowOf("predict", "digits", SEVEN);
    for (const module of [undefined, modules.simd, modules.scalar]) {
      const vad = await load("vad", module);
      assert.deepEqual([vad.labels, vad.sampleRate, vad.kind], [["background", "speech"], 16000, "frames"]);
      assert.deepEqual(vad.frameTimes, { first: rows.first_frame_seconds, hop: rows.hop_seconds });
      const { probabilities, frames } = library.classify(vad, sound, RATE);
      assert.equal(frames, rows.frames);
      assertClose(probabilities.filter((_, at) => at % 2 === 1), rows.probabilities.speech, "frames");
      const rounded = ({ start, end }) => [start, end].map((seconds) => Number(seconds.toFixed(6)));
      const found = library.getSpeechTimestamps(vad, sound, RATE);
      assert.ok(found.length >= 3);
      assertClose(found.flatMap(rounded), segments.flatMap(rounded), "segments");

      const stream = library.stream(vad, RATE, { scores: true });
      const events = [];
      for (let at = 0; at < sound.length; at += 100) events.push(...stream.push(sound.subarray(at, at + 100)));
      events.push(...stream.finish());
      const scores = events.filter(({ type }) => type === "scores");
      assertClose(scores.map(({ probabilities }) => probabilities[1]), rows.probabilities.speech, "scores");
      assertClose(events.filter(({ type }) => type.startsWith("speech")).map(({ seconds }) => seconds), found.flatMap(({ start, end }) => [start, end]), "events");
      stream.free();
      vad.free();

      const digits = await load("digits", module);
      const result = library.classify(digits, floats(SEVEN), RATE);
      assert.equal(result.label, "seven");
      assertClose([...result.probabilities], digits.labels.map((label) => seven.probabilities[label]), "clip");
      digits.free();
    }
  });

  test("needs no more memory after many pushes, streams and models", async () => {
    const model = await load("vad");
    const { memory } = model.library.functions;
    const chunk = new Float32Array(1600).map((_, at) => Math.sin(at / 7) / 3);
    const work = async () => {
      const stream = library.stream(model, 16000, { scores: true });
      for (let push = 0; push < 2000; push++) stream.push(chunk.subarray(0, 128));
      stream.finish();
      stream.free();
      library.classify(model, chunk, 16000);
    };
    /* The first rounds fill the gaps of the memory. */
    for (let round = 0; round < 3; round++) await work();
    const before = memory.buffer.byteLength;
    for (let round = 0; round < 5; round++) await work();
    assert.equal(memory.buffer.byteLength, before);
  });

  test("names what is wrong", async () => {
    const vad = await load("vad");
    const digits = await load("digits");
    const sound = new Float32Array(1600);
    await assert.rejects(library.load(new Uint8Array(10)), /not a complete model file/);
    await assert.rejects(library.load(pathToFileURL("/nowhere/model.safetensors")), /ENOENT/);
    assert.throws(() => library.classify(vad, [0, 1], 16000), /Float32Array/);
    assert.throws(() => library.classify(vad, sound, 44.1), /whole number of Hz/);
    assert.throws(() => library.classify(vad, sound, 7), /100/);
    assert.throws(() => library.classify(vad, new Float32Array(0), 16000), /too few/);
    assert.throws(() => library.classify(vad, sound.map(() => NaN), 16000), /must be finite/);
    assert.throws(() => library.getSpeechTimestamps(digits, sound, 16000), /labels clips/);
    assert.throws(() => library.getSpeechTimestamps(vad, sound, 16000, { treshold: 1 }), /unknown option treshold; use threshold/);
    assert.throws(() => library.getSpeechTimestamps(vad, sound, 16000, { threshold: 7 }), /threshold/);
    assert.throws(() => library.stream(digits, 16000), /window_seconds/);
    assert.throws(() => library.stream(digits, 16000, { keywords: { eleven: 0.5 } }), /unknown keyword eleven/);
    const stream = library.stream(digits, RATE, { window_seconds: 0.5, keywords: { seven: 0.5 } });
    assert.ok(stream.push(floats(SEVEN)).concat(stream.finish()).every(({ type }) => type === "keyword"));
    assert.throws(() => stream.push(sound), /has ended/);
    stream.free();
    assert.throws(() => stream.push(sound), /the stream was freed/);
    digits.free();
    digits.free();
    assert.throws(() => library.classify(digits, sound, RATE), /the model was freed/);
  });

  test("is a package that npm packs, and has the types of its functions", async () => {
    const folder = join(folders.vad, "stapes");
    const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: folder, encoding: "utf8" }));
    const names = files.map(({ path }) => path).sort();
    assert.deepEqual(names, ["README.md", "node.d.ts", "node.js", "package.json", "stapes-simd.wasm", "stapes.d.ts", "stapes.js", "stapes.wasm", "worklet.js"]);
    const types = readFileSync(join(folder, "stapes.d.ts"), "utf8");
    for (const name of Object.keys(library).filter((name) => !["Model", "Stream"].includes(name))) assert.match(types, new RegExp(`export (function|class) ${name}\\b`));
  });

  test("is small", () => {
    for (const name of ["stapes-simd.wasm", "stapes.wasm"]) {
      const { length } = readFileSync(join(folders.vad, "stapes", name));
      console.log(`${name}: ${length} bytes`);
      assert.ok(length <= MAX_BYTES, name);
    }
  });
});

/* The modules are read over networks of phones. */
const MAX_BYTES = 850_000;
