/** Resolves with the next event of that name that `matches`; fails the test after a while instead of hanging it. */
export function next(client, name, matches = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`no ${name} event came within 10 s; status: ${JSON.stringify(client.status)}`));
    }, 10_000);
    const stop = client.on(name, (event) => {
      if (!matches(event)) return;
      clearTimeout(timer);
      stop();
      resolve(event);
    });
  });
}

/** Resolves when the status is so, also when it is so already. */
export async function status(client, matches) {
  if (!matches(client.status)) await next(client, 'status', matches);
  return client.status;
}
