import { launchChromium, servePackage } from './support/chromium.mjs';
import { loadVectors, testResults } from './support/vectors.mjs';

const vectors = loadVectors();
const server = await servePackage();
const browser = await launchChromium();
let results;
try {
  const page = await browser.newPage();
  await page.goto(server.url);
  results = await page.evaluate(async (given) => {
    const { createClient } = await import('/dist/entrypoints/browser.js');
    const { run } = await import('/tests/conformance.mjs');
    return run(given, createClient);
  }, vectors);
} finally {
  await browser.close();
  server.close();
}
testResults('chromium', vectors, results);
