/* What a reader does with the page: wide and narrow, light and dark. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { VARIANTS, checkAccess, launch, openReady, saved, setThreshold } from "./browser.mjs";
import { serve } from "./server.mjs";
import { RATE, SEVEN, samples, skip, writePhrases } from "./sounds.mjs";

const phrases = `${process.env.OUT}/phrases.wav`;
let browser, server;

before(async () => {
  if (skip) return;
  writePhrases(phrases);
  [browser, server] = await Promise.all([launch(phrases), serve()]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/* The answer of the server itself. */
async function ask(path, file) {
  const response = await fetch(`${server.url}v1/${path}`, { method: "POST", body: readFileSync(file) });
  return response.json();
}

const GROUNDS = { light: "rgb(255, 255, 255)", dark: "rgb(20, 24, 29)" };
const button = (page, name) => page.getByRole("button", { name, exact: true });
const json = async (page) => JSON.parse((await saved(page, button(page, "JSON"))).bytes);
const picture = (page, variant, name) => page.screenshot({ path: `${process.env.OUT}/${variant.name.replaceAll(" ", "-")}-${name}.png`, fullPage: true });

/* Number of pixels of a canvas that are not those of its upper left corner. */
const drawn = (page, plot) =>
  page.locator(`[data-plot=${plot}] canvas`).evaluate((canvas) => {
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return pixels.filter((pixel) => pixel !== pixels[0]).length;
  });

for (const variant of VARIANTS) {
  describe(variant.name, { skip }, () => {
    test("labels a clip, and the threshold makes the label unknown", async () => {
      const { page, check, close } = await openReady(browser, server.url, variant);
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), GROUNDS[variant.colorScheme]);
      await page.locator("#models").selectOption("digits");
      await page.getByText("Card of the model").click();
      assert.match(await page.locator("#card").innerText(), /8,000 Hz[\s\S]*Front end[\s\S]*Parameters[\s\S]*Size\s+\d+ KB[\s\S]*License\s+CC BY-SA 4.0/);
      await page.locator("#file").setInputFiles(SEVEN);
      await page.locator(".bars").first().waitFor();
      const row = await ask("classify?model=digits", SEVEN);
      const { label, probability, probabilities } = await json(page);
      assert.deepEqual([label, row.label], ["seven", "seven"]);
      /* The same bits: the file is read as the command line reads it. */
      assert.equal(Math.fround(probability), Math.fround(row.probability));
      for (const [name, value] of Object.entries(row.probabilities)) assert.equal(Math.fround(probabilities[name]), Math.fround(value), name);
      assert.match(await page.locator("#tiles").innerText(), /Label\s+seven/);
      await setThreshold(page, 1);
      assert.match(await page.locator("#tiles").innerText(), /Label\s+unknown\s+most probable: seven/);
      await checkAccess(page);
      await picture(page, variant, "clip");
      await check();
      await close();
    });

    test("finds the segments of the server at every threshold, and saves them", async () => {
      const { page, check, close } = await openReady(browser, server.url, variant);
      await page.locator("#file").setInputFiles(phrases);
      await page.locator("#segments table").waitFor();
      for (const plot of ["waveform", "spectrogram", "scores"]) assert.ok((await drawn(page, plot)) > 1000, plot);
      const counts = new Set();
      for (const threshold of [0.5, 0.2, 0.05, 0.9, 0.97]) {
        await setThreshold(page, threshold);
        const { segments } = await ask(`segments?model=vad&threshold=${threshold}`, phrases);
        counts.add(segments.length);
        const found = (await json(page)).segments.map(({ start, end }) => ({ start, end }));
        assert.deepEqual(found, segments, `threshold ${threshold}`);
        assert.equal(await page.locator("#segments tbody tr").count(), segments.length);
      }
      assert.ok(counts.size > 1, "the threshold changes the segments");
      await setThreshold(page, 0.5);
      await checkFiles(page);
      await checkAccess(page);
      await picture(page, variant, "segments");
      await setThreshold(page, 1);
      await page.getByText("No speech reaches the threshold").waitFor();
      await check();
      await close();
    });

    test("plays, seeks and zooms with keys and pointer", async () => {
      const { page, check, close } = await openReady(browser, server.url, variant);
      await page.locator("#file").setInputFiles(phrases);
      await page.locator("#segments table").waitFor();
      const time = () => page.locator("#audio").evaluate((audio) => audio.currentTime);
      const timeline = page.getByRole("slider", { name: "Position" });
      await timeline.focus();
      await page.keyboard.press("PageUp");
      await page.keyboard.press("ArrowRight");
      const seconds = Number(await timeline.getAttribute("aria-valuemax"));
      assert.ok(Math.abs((await time()) - seconds * 0.11) < 0.02);
      assert.match(await timeline.getAttribute("aria-valuetext"), /s: speech \d\.\d\d$/);
      await page.keyboard.press("Space");
      await page.waitForFunction((start) => document.getElementById("audio").currentTime > start + 0.2, seconds * 0.11);
      await page.keyboard.press("Space");
      assert.equal(await page.locator("#audio").evaluate((audio) => audio.paused), true);
      const box = await timeline.boundingBox();
      await page.mouse.click(box.x + box.width / 2, box.y + 40);
      assert.ok(Math.abs((await time()) - seconds / 2) < 0.1);
      await button(page, "Zoom in").click();
      await button(page, "Zoom out").click();
      assert.equal(await button(page, "Zoom out").isDisabled(), true);
      await page.getByRole("button", { name: /^Play segment 1,/ }).click();
      const [first] = (await json(page)).segments;
      await page.waitForFunction((end) => document.getElementById("audio").paused && document.getElementById("audio").currentTime >= end, first.end);
      assert.ok((await time()) < first.end + 0.5);
      await check();
      await close();
    });

    test("shows live scores of the microphone, and keeps the recording", async () => {
      const { page, check, close } = await openReady(browser, server.url, variant);
      await button(page, "Record").focus();
      await page.keyboard.press("Enter");
      await page.getByText("The microphone is on.").waitFor();
      await page.waitForFunction(() => /speech 0\.[89]|speech 1/.test(document.getElementById("readout").textContent));
      await page.locator("#events p").first().waitFor();
      assert.ok((await drawn(page, "scores")) > 200 && (await drawn(page, "spectrogram")) > 200);
      await checkAccess(page);
      await picture(page, variant, "live");
      await page.waitForFunction(() => parseFloat(document.getElementById("sound-facts").textContent) > 5);
      await page.keyboard.press("Enter");
      await page.locator("#segments table").waitFor();
      const { seconds, segments } = await json(page);
      assert.ok(seconds > 5 && segments.length > 0);
      const { name, bytes } = await saved(page, button(page, "Save as WAV"));
      assert.match(name, /^recording-\d{4}-\d\d-\d\d-\d{6}\.wav$/);
      assert.ok(Math.abs(samples(bytes).length / bytes.readUInt32LE(24) - seconds) < 1e-3);
      assert.ok(samples(bytes).some((value) => Math.abs(value) > 1000), "the recording is not silent");
      await check();
      await close();
    });

    test("shows live labels of windows, and the label of the whole recording", async () => {
      const { page, check, close } = await openReady(browser, server.url, variant);
      await page.locator("#models").selectOption("digits");
      await button(page, "Record").click();
      await page.waitForFunction(() => /^\w+ \d\.\d\d, /.test(document.getElementById("readout").textContent));
      await page.waitForFunction(() => parseFloat(document.getElementById("sound-facts").textContent) > 4);
      await button(page, "Stop").click();
      await page.locator(".bars").first().waitFor();
      await page.getByRole("heading", { name: "Labels while it was recorded" }).waitFor();
      await setThreshold(page, 0);
      assert.ok((await page.locator("#segments tbody tr").count()) > 0);
      await picture(page, variant, "windows");
      await check();
      await close();
    });
  });
}

/* Every format is read again, and has the segments of the JSON file. */
async function checkFiles(page) {
  const { segments } = await json(page);
  assert.ok(segments.length >= 3);
  const read = async (name) => (await saved(page, button(page, name))).bytes.toString();
  const rounded = segments.map(({ start, end, label }) => [start.toFixed(3), end.toFixed(3), label]);
  const csv = (await read("CSV")).trimEnd().split("\r\n").map((line) => line.split(","));
  assert.deepEqual(csv, [["start", "end", "label"], ...rounded]);
  const audacity = (await read("Audacity")).trimEnd().split("\n").map((line) => line.split("\t"));
  assert.deepEqual(audacity, segments.map(({ start, end, label }) => [start.toFixed(6), end.toFixed(6), label]));
  const [head, ...cues] = (await read("WebVTT")).trimEnd().split("\n\n");
  assert.equal(head, "WEBVTT");
  const times = cues.map((cue) => /^00:00:(\S+) --> 00:00:(\S+)\n(.*)$/.exec(cue).slice(1).map((text) => text.replace(/^0(\d)/, "$1")));
  assert.deepEqual(times, rounded);
  const wav = (await saved(page, button(page, "Save as WAV"))).bytes;
  assert.equal(wav.readUInt32LE(24), RATE);
  assert.deepEqual(samples(wav), samples(readFileSync(phrases)));
}
