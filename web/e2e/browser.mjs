// What every check shares: the built page under its Content-Security-Policy, and a browser.
import { existsSync } from 'node:fs';

import { preview } from 'vite';

const { chromium } = await import('playwright-core').catch(() => {
  console.error(
    'The checks need a package that is not installed by default: npm i --no-save playwright-core',
  );
  process.exit(2);
});

const kBrowsers = [process.env.CHROME, '/usr/bin/chromium', '/usr/bin/google-chrome'];

/** Address of the page: PAGE, or dist/ with the stand-in server on a free port. */
async function startPage() {
  if (process.env.PAGE) return { url: process.env.PAGE, stop: async () => undefined };
  const server = await preview({
    mode: 'mock',
    logLevel: 'warn',
    preview: { port: 0, host: '127.0.0.1' },
  });
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}/`, stop: () => server.close() };
}

/** A small model may ramble until its context is full. Runs in the page. */
function limitAnswers() {
  const key = 'overtake.settings';
  if (localStorage.getItem(key) === null) localStorage.setItem(key, '{"maxTokens":250}');
}

/** Runs `checks` (name, look, body), each in a fresh browser profile; exits 1 if one fails. */
export async function run(checks) {
  const executablePath = kBrowsers.find((path) => path && existsSync(path));
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ];
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args });
  const { url, stop } = await startPage();
  let failed = 0;
  for (const { name, look, body } of checks) {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...look });
    const page = await context.newPage();
    page.setDefaultTimeout(process.env.PAGE ? 60_000 : 15_000);
    if (process.env.PAGE) await page.addInitScript(limitAnswers);
    const problems = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    try {
      await page.goto(url);
      await page.waitForSelector('.model-picker');
      await body(page);
      // A refused request is reported by the browser itself; the page shows it in its own words.
      const own = problems.filter((text) => !text.startsWith('Failed to load resource'));
      if (own.length > 0) throw new Error(`in the console: ${own.join('; ')}`);
      console.log(`ok    ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${error.message}`);
    }
    await context.close();
  }
  await browser.close();
  await stop();
  process.exit(failed === 0 ? 0 : 1);
}
