// End-to-end checks of the page in a real browser. `npm run e2e` runs them on dist/ with the
// stand-in server; PAGE=http://127.0.0.1:8080/ npm run e2e runs those that any server can pass.
import assert from 'node:assert/strict';

import { run } from './browser.mjs';

const box = (page) => page.getByLabel('Message', { exact: true });
const button = (page, name) => page.getByRole('button', { name, exact: true });
const answers = (page) => page.locator('article.answer');
const chatRows = (page) => page.locator('.row-title');

async function ask(page, text) {
  await box(page).fill(text);
  await box(page).press('Enter');
}

const finished = (page) => button(page, 'Send').waitFor();

/** Retries until `value` gives `expected`: rendering is a frame behind. */
async function eventually(value, expected) {
  const end = Date.now() + 5000;
  for (;;) {
    const now = await value();
    if (JSON.stringify(now) === JSON.stringify(expected)) return;
    if (Date.now() > end) assert.deepEqual(now, expected);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const checks = [];
const check = (name, body, look = {}) => checks.push({ name, body, look });
/** Needs an answer or an error that only the stand-in gives. */
const mockCheck = (...rest) => process.env.PAGE || check(...rest);

check('an answer streams in and says how fast it was', async (page) => {
  await ask(page, 'What is the capital of France?');
  await page.waitForSelector('.answer .caret');
  await finished(page);
  assert.equal(await page.locator('.caret').count(), 0);
  assert.match(await page.locator('.stats').innerText(), /token.*first token/s);
  assert.equal(await chatRows(page).innerText(), 'What is the capital of France?');
});

check('Shift+Enter breaks the line, Enter sends, an empty message is not sent', async (page) => {
  await box(page).press('Enter');
  await box(page).fill(' ');
  await box(page).press('Enter');
  assert.equal(await page.locator('.question').count(), 0);
  await box(page).fill('one');
  await box(page).press('Shift+Enter');
  await box(page).pressSequentially('two');
  await box(page).press('Enter');
  assert.equal(await page.locator('.bubble').innerText(), 'one\ntwo');
});

check('Escape stops the answer and keeps its beginning', async (page) => {
  await ask(page, 'Please compare the formats in a long text.');
  await page.waitForFunction(
    () => document.querySelector('.answer .markdown')?.textContent.length > 20,
  );
  await page.keyboard.press('Escape');
  await finished(page);
  assert.equal(await page.locator('.note').innerText(), 'Stopped.');
  assert.ok((await page.locator('.markdown').innerText()).length > 20);
});

check('a retried answer is a second version', async (page) => {
  await ask(page, 'Why is the sky blue?');
  await finished(page);
  await button(page, 'Answer again').click();
  await finished(page);
  await eventually(() => page.locator('.versions').innerText(), '2 / 2');
  await button(page, 'Version before').click();
  await eventually(() => page.locator('.versions').innerText(), '1 / 2');
  assert.equal(await answers(page).count(), 1);
});

check('an edited message starts another branch', async (page) => {
  await ask(page, 'Why is the sky blue?');
  await finished(page);
  await ask(page, 'And at sunset?');
  await finished(page);
  await page.locator('.question').first().hover();
  await button(page, 'Edit message').first().click();
  const editor = page.getByRole('textbox', { name: 'Edit message' });
  await editor.fill('Why is grass green?');
  await editor.press('Enter');
  await finished(page);
  assert.deepEqual(await page.locator('.bubble').allInnerTexts(), ['Why is grass green?']);
  await button(page, 'Version before').click();
  await eventually(
    () => page.locator('.bubble').allInnerTexts(),
    ['Why is the sky blue?', 'And at sunset?'],
  );
});

check('chats survive a reload, can be renamed, deleted and brought back', async (page) => {
  await ask(page, 'First');
  await finished(page);
  await page.keyboard.press('Control+k');
  await ask(page, 'Second');
  await finished(page);
  await page.reload();
  await eventually(() => chatRows(page).allInnerTexts(), ['Second', 'First']);
  assert.equal(await page.locator('.bubble').innerText(), 'Second');

  await button(page, 'Actions for Second').click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByLabel('Title of the chat').fill('Renamed');
  await page.keyboard.press('Enter');
  await eventually(() => chatRows(page).allInnerTexts(), ['Renamed', 'First']);

  await button(page, 'Actions for Renamed').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await eventually(() => chatRows(page).allInnerTexts(), ['First']);
  await button(page, 'Undo').click();
  await eventually(() => chatRows(page).allInnerTexts(), ['Renamed', 'First']);
  await page.goBack();
});

check('an answer goes on while another chat is open', async (page) => {
  await ask(page, 'Please compare the formats.');
  await page.waitForSelector('.answer .caret');
  await page.keyboard.press('Control+k');
  await page.waitForSelector('.starters');
  await page.waitForSelector('.pulse');
  await page.waitForSelector('.pulse', { state: 'detached', timeout: 60_000 });
  await chatRows(page).click();
  assert.equal(await page.locator('.note').count(), 0);
});

check('the page follows the answer until the reader scrolls up', async (page) => {
  await page.setViewportSize({ width: 1200, height: 340 });
  await ask(page, 'Tell a long story of a fox and a crow who compare notes.');
  const left = () =>
    page.locator('.transcript').evaluate((e) => e.scrollHeight - e.clientHeight - e.scrollTop);
  await page.waitForFunction(() => document.querySelector('.transcript').scrollTop > 150);
  assert.ok((await left()) < 40);
  await page.locator('.transcript').hover();
  await page.mouse.wheel(0, -120);
  await page.waitForTimeout(300);
  const top = await page.locator('.transcript').evaluate((e) => e.scrollTop);
  await page.waitForTimeout(500);
  assert.equal(await page.locator('.transcript').evaluate((e) => e.scrollTop), top);
  await button(page, 'To the end').click();
  await eventually(async () => (await left()) < 60, true);
});

check('a chosen theme is remembered and there before the first paint', async (page) => {
  await button(page, 'Theme: Like the system').click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  await eventually(scheme, 'dark');
  await page.reload({ waitUntil: 'commit' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  assert.equal(await scheme(), 'dark');
});

check('the settings are sent, checked and remembered', async (page) => {
  await button(page, 'Settings').click();
  await page.getByLabel('System prompt').fill('Be brief.');
  await page.getByLabel('Temperature').fill('7');
  await page.getByLabel('Seed').fill('42');
  await page.getByLabel('Top-p').fill('');
  await button(page, 'Done').click();
  await page.reload();
  const [request] = await Promise.all([
    page.waitForRequest((sent) => sent.method() === 'POST'),
    ask(page, 'Hi'),
  ]);
  const { messages, temperature, seed, top_p } = request.postDataJSON();
  assert.deepEqual(
    [messages[0].content, temperature, seed, top_p],
    ['Be brief.', 2, 42, undefined],
  );
});

check('a menu works from the keyboard', async (page) => {
  const picker = page.locator('.model-picker');
  await picker.focus();
  await page.keyboard.press('Enter');
  await eventually(() => picker.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  await eventually(() => picker.getAttribute('aria-expanded'), 'false');
  assert.ok(await picker.evaluate((e) => e === document.activeElement));
});

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
check(
  'a phone has a drawer and never scrolls sideways',
  async (page) => {
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(await wide(), false);
    await ask(page, 'Please compare the formats.');
    await finished(page);
    assert.equal(await wide(), false);
    await button(page, 'Open sidebar').click();
    await chatRows(page).waitFor();
    await page.waitForTimeout(300);
    assert.equal((await page.locator('main').getAttribute('inert')) !== null, true);
    await page.touchscreen.tap(340, 400);
    await eventually(() => page.locator('main').getAttribute('inert'), null);
  },
  phone,
);

check('the server going away is said in the place where it happens', async (page) => {
  await page.route('**/v1/**', (route) => route.abort());
  await ask(page, 'Hi');
  assert.match(await page.locator('.failure').innerText(), /cannot be reached/);
  await page.unroute('**/v1/**');
  await button(page, 'Retry').click();
  await finished(page);
  await eventually(() => page.locator('.failure').count(), 0);
});

mockCheck('every refusal tells what to do', async (page) => {
  for (const [text, title, action] of [
    ['#context', 'too long', 'New chat'],
    ['#key', 'API key', 'Settings'],
    ['#busy', 'busy', 'Retry'],
    ['#model', 'does not have', 'Retry'],
    ['#down', 'cannot be reached', 'Retry'],
  ]) {
    await ask(page, text);
    await finished(page);
    const card = page.locator('.failure').last();
    assert.match(await card.innerText(), new RegExp(title));
    assert.ok(await card.getByRole('button', { name: action }).isVisible());
  }
});

mockCheck('an answer that breaks off keeps its text and says so', async (page) => {
  for (const [text, title] of [
    ['#cut', 'cut off'],
    ['#fail', 'failed'],
  ]) {
    await ask(page, text);
    await finished(page);
    assert.match(await answers(page).last().innerText(), /^The sky is blue/);
    assert.match(await page.locator('.failure').last().innerText(), new RegExp(title));
  }
});

mockCheck('code is coloured and can be copied', async (page) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ask(page, 'Write a palindrome function');
  await finished(page);
  assert.ok((await page.locator('.hl-keyword').count()) > 3);
  await button(page, 'Copy code').click();
  assert.match(
    await page.evaluate(() => navigator.clipboard.readText()),
    /^def is_palindrome\(text: str\)/,
  );
});

await run(checks);
