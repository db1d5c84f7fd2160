// Firefox as Debian has it: nothing drives it, it opens a page that reports by itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Nothing of its own that would ask, wait or call home. */
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

/** Opens a page in a fresh profile. */
export async function openFirefox(url) {
  const program = process.env.PENNON_FIREFOX ?? '/usr/bin/firefox-esr';
  if (!existsSync(program)) {
    throw new Error(`there is no Firefox at ${program}: install it (Debian: apt-get install firefox-esr) or set PENNON_FIREFOX`);
  }
  const profile = await mkdtemp(join(tmpdir(), 'pennon-firefox-'));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  await writeFile(join(profile, 'user.js'), lines.join(''));
  const firefox = spawn(program, ['--headless', '--no-remote', '--profile', profile, url], { stdio: 'ignore', env: { ...process.env, HOME: profile } });
  const ended = once(firefox, 'close');
  return {
    async close() {
      firefox.kill();
      await ended;
      await rm(profile, { recursive: true, force: true });
    },
  };
}
