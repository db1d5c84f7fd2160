// Browsers as Debian has them: nothing drives them, they open a page that reports by itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Nothing of Firefox's own that would ask, wait or call home. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9',
  'toolkit.telemetry.enabled': false,
};

export const BROWSERS = {
  firefox: {
    program: process.env.PENNON_FIREFOX ?? '/usr/bin/firefox-esr',
    package: 'firefox-esr',
    async command(program, url, profile) {
      const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
      await writeFile(join(profile, 'user.js'), lines.join(''));
      return [program, '--headless', '--no-remote', '--profile', profile, url];
    },
  },
  webkit: {
    program: process.env.PENNON_WEBKIT ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
    package: 'libwebkit2gtk-4.1-0 xvfb xauth',
    // It has no mode without a screen.
    command: async (program, url) => ['xvfb-run', '-a', program, '--private', url],
  },
};

/** Opens a page in a fresh profile. */
export async function openBrowser(name, url) {
  const { program, package: debian, command } = BROWSERS[name];
  if (!existsSync(program)) throw new Error(`there is no ${name} at ${program}: install it (Debian: apt-get install ${debian}) or set PENNON_${name.toUpperCase()}`);
  const profile = await mkdtemp(join(tmpdir(), `pennon-${name}-`));
  const [first, ...rest] = await command(program, url, profile);
  // No bus of a desktop: none is there, and starting one leaves it behind.
  const env = { ...process.env, HOME: profile, NO_AT_BRIDGE: '1', DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
  const browser = spawn(first, rest, { stdio: 'ignore', env, detached: true });
  const ended = once(browser, 'close');
  return {
    async close() {
      // With the processes that it has started: it leads their group.
      process.kill(-browser.pid);
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
