/* What can fail: each failure is a message in its place, with the next step. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { checkAccess, launch, open, openReady } from "./browser.mjs";
import { serve } from "./server.mjs";
import { SEVEN, skip, writePhrases } from "./sounds.mjs";

const phrases = `${process.env.OUT}/phrases-of-errors.wav`;
const TOKEN = "0123456789abcdef";
let browser;

before(async () => {
  if (skip) return;
  writePhrases(phrases);
  browser = await launch(phrases);
});
after(() => browser?.close());

const button = (page, name) => page.getByRole("button", { name, exact: true });

describe("the page", { skip }, () => {
  test("names a file that is not a sound, and keeps what it shows", async () => {
    const server = await serve();
    const { page, check, close } = await openReady(browser, server.url);
    await page.locator("#file").setInputFiles(SEVEN);
    await page.locator("#segments").waitFor();
    for (const [name, content, text] of [
      ["broken.wav", "RIFF....WAVEfmt ", /"broken.wav" is not a sound that the browser can read; choose a WAV/],
      ["empty.wav", "", /"empty.wav" is empty; choose a recording/],
      ["<b>notes</b>.txt", "text", /"<b>notes<\/b>.txt" is not a sound/],
    ]) {
      await page.locator("#file").setInputFiles({ name, mimeType: "audio/wav", buffer: Buffer.from(content) });
      await page.locator("#input-message").filter({ hasText: text }).waitFor();
    }
    assert.equal(await page.locator("#sound-name").innerText(), "7_theo_3.wav");
    await checkAccess(page);
    await check();
    await close();
    await server.stop();
  });

  test("continues a recording without the server, and classifies it when the server is back", async () => {
    const server = await serve();
    const { page, check, close } = await openReady(browser, server.url, { expected: /ERR_CONNECTION_REFUSED|WebSocket/ });
    await button(page, "Record").click();
    await page.locator("#events p").first().waitFor();
    await server.stop();
    await page.locator("#input-message").filter({ hasText: /server.*The recording continues\./ }).waitFor();
    await page.waitForFunction(() => parseFloat(document.getElementById("sound-facts").textContent) > 4);
    await button(page, "Stop").click();
    await page.locator("#result-message").filter({ hasText: "The server does not answer; check that it runs" }).waitFor();
    assert.equal(await button(page, "Save as WAV").isVisible(), true);
    const again = await serve([], { port: server.port });
    await button(page, "Try again").click();
    await page.locator("#segments table").waitFor();
    assert.equal(await page.locator("#result-message").isVisible(), false);
    await check();
    await close();
    await again.stop();
  });

  test("offers to try again when the server is busy", async () => {
    const server = await serve();
    const { page, close } = await openReady(browser, server.url, { expected: /503/ });
    const busy = { status: 503, contentType: "application/json", body: JSON.stringify({ error: { code: "busy", message: "busy" } }) };
    await page.route("**/v1/classify*", (route) => route.fulfill(busy), { times: 1 });
    await page.locator("#file").setInputFiles(SEVEN);
    await page.locator("#result-message").filter({ hasText: "The server has enough to do; try again in a few seconds." }).waitFor();
    await button(page, "Try again").click();
    await page.locator("#result-body").waitFor();
    await close();
    await server.stop();
  });

  test("names a recording that is longer than the server takes", async () => {
    const server = await serve(["--max-seconds", "1"]);
    const { page, close } = await openReady(browser, server.url, { expected: /413/ });
    await page.locator("#file").setInputFiles(phrases);
    await page.locator("#result-message").filter({ hasText: "longer than the server takes; cut it" }).waitFor();
    await close();
    await server.stop();
  });

  test("explains a microphone that is not allowed, missing, or impossible without https", async () => {
    const server = await serve(["--allow-host", "page.test"]);
    for (const [name, text] of [["NotAllowedError", "does not allow the microphone; allow it"], ["NotFoundError", "No microphone was found; connect one"]]) {
      const { page, check, close } = await openReady(browser, server.url);
      await page.evaluate((name) => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name))), name);
      await button(page, "Record").click();
      await page.locator("#input-message").filter({ hasText: text }).waitFor();
      assert.equal(await button(page, "Record").isEnabled(), true);
      await check();
      await close();
    }
    const { page, check, close } = await openReady(browser, `http://page.test:${server.port}/`);
    await page.locator("#input-message").filter({ hasText: "only on https or localhost" }).waitFor();
    assert.equal(await button(page, "Record").isDisabled(), true);
    await page.locator("#file").setInputFiles(SEVEN);
    await page.locator("#result-body").waitFor();
    await check();
    await close();
    await server.stop();
  });

  test("asks for the token of the server, for recordings and streams", async () => {
    const server = await serve([], { environment: { STAPES_TOKEN: TOKEN } });
    const { page, check, close } = await open(browser, server.url, { expected: /401/ });
    const field = page.getByLabel("Token of the server");
    await field.fill("wrong");
    await checkAccess(page);
    await page.keyboard.press("Enter");
    await page.getByText("The server does not accept the token").waitFor();
    await field.fill(TOKEN);
    await button(page, "Use").click();
    await page.locator("#choice").waitFor();
    await button(page, "Record").click();
    await page.locator("#events p").first().waitFor();
    await button(page, "Stop").click();
    await page.locator("#result-body").waitFor();
    await check();
    await close();
    await server.stop();
  });

  test("shows names and labels from outside as text", async () => {
    const path = `${process.env.OUT}/<img src=x onerror=alert(1)>.wav`;
    writePhrases(path);
    const server = await serve();
    const { page, check, close } = await openReady(browser, server.url);
    await page.locator("#file").setInputFiles(path);
    await page.locator("#segments table").waitFor();
    assert.equal(await page.locator("#sound-name").innerText(), path.split("/").at(-1));
    await check();
    await close();
    await server.stop();
  });
});
