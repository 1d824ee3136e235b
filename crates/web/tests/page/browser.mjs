/* Pages in Chromium, with a file as the microphone; every console message and every request to another host is a fault. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Sizes and color schemes of the tests. */
export const VARIANTS = ["light", "dark"].flatMap((colorScheme) => [
  { name: `a wide ${colorScheme} page`, viewport: { width: 1280, height: 900 }, colorScheme },
  { name: `a ${colorScheme} page of phone width`, viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme },
]);

/** Starts the browser. */
export function launch(microphone) {
  const args = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  args.push(`--use-file-for-fake-audio-capture=${microphone}`, "--host-resolver-rules=MAP page.test 127.0.0.1");
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

/**
 * Opens the page. `check()` fails for console messages, requests to other hosts, and content wider than the page. A fault that a test makes
 * on purpose is in `expected`: a pattern of messages.
 */
export async function open(browser, url, { expected, ...options } = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (!expected?.test(message.text())) faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    const { host, protocol } = new URL(request.url());
    if (protocol !== "blob:" && host !== new URL(url).host) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  const check = async () => {
    assert.deepEqual(faults, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, "wider than the page");
  };
  return { page, check, close: () => context.close() };
}

/** Opens the page, and waits for its models. */
export async function openReady(browser, url, options) {
  const opened = await open(browser, url, options);
  await opened.page.locator("#choice").waitFor();
  return opened;
}

/** Fails if axe-core finds something. The code is evaluated by the debugger, because the policy of the page allows no other script. */
export async function checkAccess(page) {
  const violations = await page.evaluate(`${axe}; axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(({ html }) => html)]))`);
  assert.deepEqual(violations, []);
}

/** Clicks a button that saves a file; resolves to its name and bytes. */
export async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** Moves the slider of the threshold. */
export const setThreshold = (page, value) => page.locator("#threshold").fill(String(value));
