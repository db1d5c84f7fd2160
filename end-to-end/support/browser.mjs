// Chromium, driven by Playwright.
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

/** Nothing that reaches for another host than the test's own. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launchBrowser() {
  const executablePath = process.env.PENNON_CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`${executablePath} is missing: \`cargo xtask test\` installs Chromium, or set PENNON_CHROMIUM`);
  }
  const options = { executablePath, args: ARGUMENTS };
  // Chromium itself was seen to crash while it started on a busy machine, before anything of ours ran.
  return chromium.launch(options).catch(() => chromium.launch(options));
}
