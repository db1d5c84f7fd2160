// Streams of clients that read and do nothing, in a thread of their own: what they read must not keep whoever measures from looking.
import { Agent, get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/** How many are opened at a time. */
const AT_ONCE = 100;

const { urls, count } = workerData;
const agent = new Agent({ maxSockets: Infinity });

function open(url) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url}: ${response.statusCode}`));
      response.resume();
      // The end of the run ends them.
      response.on("error", () => {});
      resolve();
    });
    request.on("error", reject);
  });
}

for (let opened = 0; opened < count; opened += AT_ONCE) {
  const some = Math.min(AT_ONCE, count - opened);
  await Promise.all(Array.from({ length: some }, (_, at) => open(urls[(opened + at) % urls.length])));
}
parentPort.postMessage("open");
