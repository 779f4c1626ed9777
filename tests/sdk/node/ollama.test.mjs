// The official ollama package against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Ollama } from 'ollama';

const client = new Ollama({ host: process.env.OVERTAKE_TEST_URL });
const hasModel = process.env.OVERTAKE_TEST_MODELS.split(' ').includes('smollm2');
const messages = [{ role: 'user', content: 'hi' }];
const chat = (fields = {}) => client.chat({ model: 'null', messages, ...fields });

test('ollama: chat answers', async () => {
  const answer = await chat();
  assert.equal(answer.message.content, ' token'.repeat(16));
  assert.equal(answer.done_reason, 'stop');
  assert.equal(answer.eval_count, 16);
  assert.ok(answer.eval_duration > 0);
});

test('ollama: chat and generate stream', async () => {
  const options = { num_predict: 3 };
  const parts = [];
  for await (const part of await chat({ stream: true, options })) parts.push(part);
  assert.deepEqual(parts.map((part) => part.message.content), [' token', ' token', ' token', '']);
  assert.equal(parts.at(-1).done_reason, 'length');
  let text = '';
  const stream = await client.generate({ model: 'null', prompt: 'hi', stream: true, options });
  for await (const part of stream) text += part.response;
  assert.equal(text, ' token'.repeat(3));
});

test('ollama: models', async () => {
  const { models } = await client.list();
  assert.ok(models.some((model) => model.name === 'null:latest'));
  assert.ok((await client.ps()).models.some((model) => model.name === 'null:latest'));
  assert.deepEqual((await client.show({ model: 'null' })).capabilities, ['completion', 'embedding']);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
});

test('ollama: errors and refusals', async () => {
  const refused = (call, status, message) =>
    assert.rejects(call, (error) => {
      assert.equal(error.name, 'ResponseError');
      assert.equal(error.status_code, status);
      assert.match(error.message, message);
      return true;
    });
  await refused(chat({ model: 'other' }), 404, /other/);
  await refused(chat({ options: { temperature: -1 } }), 400, /options\.temperature/);
  await refused(chat({ format: 'json' }), 400, /format/);
  const images = [{ role: 'user', content: 'x', images: ['aGk='] }];
  await refused(chat({ messages: images }), 400, /messages\[0\]\.images/);
  await refused(client.generate({ model: 'null', prompt: 'x', suffix: 'y' }), 400, /suffix/);
});

test('ollama: the real model', { skip: !hasModel }, async () => {
  const answer = await client.chat({
    model: 'smollm2:latest',
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    options: { temperature: 0, num_predict: 24 },
  });
  assert.match(answer.message.content, /Paris/);
});
