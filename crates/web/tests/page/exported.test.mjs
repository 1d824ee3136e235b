/* The page of an exported model, which computes in the browser. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { VARIANTS, checkAccess, launch, openReady, saved, setThreshold } from "./browser.mjs";
import { SEVEN, skip, writePhrases } from "./sounds.mjs";
import { exportModel, sendFiles, rowOf } from "./static.mjs";

const phrases = `${process.env.OUT}/phrases-of-exported.wav`;
let browser, vad, digits;

before(async () => {
  if (skip) return;
  writePhrases(phrases);
  browser = await launch(phrases);
  [vad, digits] = await Promise.all(["vad", "digits"].map((model) => sendFiles(exportModel(model))));
});
after(() => Promise.all([browser?.close(), vad?.stop(), digits?.stop()]));

const button = (page, name) => page.getByRole("button", { name, exact: true });
const json = async (page) => JSON.parse((await saved(page, button(page, "JSON"))).bytes);
const picture = (page, variant, name) => page.screenshot({ path: `${process.env.OUT}/exported-${variant.name.replaceAll(" ", "-")}-${name}.png`, fullPage: true });
const close = (a, b) => Math.abs(a - b) <= 1e-5;

for (const variant of VARIANTS) {
  describe(`exported: ${variant.name}`, { skip }, () => {
    test("finds the segments of the command line", async () => {
      const { page, check, close: end } = await openReady(browser, vad.url, variant);
      await page.locator("#file").setInputFiles(phrases);
      await page.locator("#segments table").waitFor();
      for (const threshold of [0.5, 0.2, 0.9]) {
        await setThreshold(page, threshold);
        const { segments } = rowOf("vad", phrases, "--threshold", String(threshold));
        const found = (await json(page)).segments.map(({ start, end }) => ({ start, end }));
        assert.deepEqual(found, segments, `threshold ${threshold}`);
      }
      await page.getByText("Card of the model").click();
      assert.match(await page.locator("#card").innerText(), /16,000 Hz[\s\S]*Front end[\s\S]*Parameters/);
      assert.match(await page.locator("#privacy").innerText(), /This device computes/);
      await checkAccess(page);
      await picture(page, variant, "segments");
      await check();
      await end();
    });

    test("has the label and the probabilities of the command line", async () => {
      const { page, check, close: end } = await openReady(browser, digits.url, variant);
      await page.locator("#file").setInputFiles(SEVEN);
      await page.locator(".bars").first().waitFor();
      const row = rowOf("predict", "digits", SEVEN);
      const { label, probabilities } = await json(page);
      assert.equal(label, "seven");
      for (const [name, value] of Object.entries(row.probabilities)) assert.ok(close(probabilities[name], value), `${name}: ${probabilities[name]} ${value}`);
      await check();
      await end();
    });

    test("shows live scores, computed on the audio thread", async () => {
      const { page, check, close: end } = await openReady(browser, vad.url, variant);
      await button(page, "Record").click();
      await page.waitForFunction(() => /speech 0\.[89]|speech 1/.test(document.getElementById("readout").textContent));
      await page.locator("#events p").first().waitFor();
      await picture(page, variant, "live");
      await page.waitForFunction(() => parseFloat(document.getElementById("sound-facts").textContent) > 5);
      await button(page, "Stop").click();
      await page.locator("#segments table").waitFor();
      const { seconds, segments } = await json(page);
      assert.ok(seconds > 5 && segments.length > 0);
      await checkAccess(page);
      await check();
      await end();
    });

    test("shows live labels of windows, computed in a worker", async () => {
      const { page, check, close: end } = await openReady(browser, digits.url, variant);
      await button(page, "Record").click();
      await page.waitForFunction(() => /^\w+ \d\.\d\d, /.test(document.getElementById("readout").textContent));
      await button(page, "Stop").click();
      await page.locator(".bars").first().waitFor();
      await check();
      await end();
    });
  });
}

describe("an exported page", { skip }, () => {
  test("works without a network after it was open once", async () => {
    const server = await sendFiles(`${process.env.OUT}/vad-web`);
    const { page, check, close: end } = await openReady(browser, server.url);
    await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
    await server.stop();
    await page.reload();
    await page.locator("#choice").waitFor();
    await page.locator("#file").setInputFiles(phrases);
    await page.locator("#segments table").waitFor();
    await button(page, "Record").click();
    await page.waitForFunction(() => /speech 0\.[89]|speech 1/.test(document.getElementById("readout").textContent));
    await button(page, "Stop").click();
    await page.locator("#segments").waitFor();
    await check();
    await end();
  });

  test("names a file that is missing", async () => {
    const expected = /404/;
    const { page, check, close: end } = await openMissing(expected);
    await page.locator("#models-message").filter({ hasText: "vad.safetensors cannot be read (404)" }).waitFor();
    await check();
    await end();
  });
});

/* Opens the page while its model is missing. */
async function openMissing(expected) {
  const { open } = await import("./browser.mjs");
  const { mkdtempSync, cpSync, rmSync } = await import("node:fs");
  const folder = mkdtempSync(`${process.env.OUT}/missing-`);
  cpSync(`${process.env.OUT}/vad-web`, folder, { recursive: true });
  rmSync(`${folder}/vad.safetensors`);
  const server = await sendFiles(folder);
  const opened = await open(browser, server.url, { expected });
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
