/* Times of a model as a fraction of the recording, in Node.js or a browser. */

const RATE = 16000;
const SECONDS = 10;
const ROUNDS = 9;

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Returns a line per task and module: median of 9 rounds that alternate. `read(path)` returns the bytes of an exported file. */
export async function measure({ classify, compile, load, stream }, read) {
  /* Noise that comes and goes. */
  let state = 1;
  const samples = Float32Array.from({ length: SECONDS * RATE }, (_, at) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (state / 2 ** 31 - 0.5) * 0.3 * Math.sin(at / RATE) ** 2;
  });
  const tasks = {
    classify: (model) => classify(model, samples, RATE),
    stream(model) {
      const live = stream(model, RATE, { scores: true });
      for (let at = 0; at < samples.length; at += 128) live.push(samples.subarray(at, at + 128));
      live.finish();
      live.free();
    },
  };
  const models = [];
  for (const name of ["stapes-simd.wasm", "stapes.wasm"]) {
    const module = await compile(await read(`stapes/${name}`));
    models.push({ name, model: await load(await read("vad.safetensors"), { module }) });
  }
  const lines = [];
  for (const [task, run] of Object.entries(tasks)) {
    const times = models.map(() => []);
    for (let round = 0; round <= ROUNDS; round++) {
      models.forEach(({ model }, at) => {
        const start = performance.now();
        run(model);
        /* The first round compiles. */
        if (round > 0) times[at].push((performance.now() - start) / 1000 / SECONDS);
      });
    }
    models.forEach(({ name }, at) => lines.push(`${task}, ${name}: ${median(times[at]).toFixed(4)} of real time`));
  }
  return lines;
}
