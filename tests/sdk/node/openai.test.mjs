// The official openai package against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.OVERTAKE_TEST_URL}/v1`,
  apiKey: 'any key is ignored',
  maxRetries: 0,
});
const hasModel = process.env.OVERTAKE_TEST_MODELS.split(' ').includes('smollm2');
const messages = [{ role: 'user', content: 'hi' }];
const chat = (fields = {}) => client.chat.completions.create({ model: 'null', messages, ...fields });

async function clientsThatLeft() {
  const log = await readFile(process.env.OVERTAKE_TEST_LOG, 'utf8');
  return log.split('client left').length - 1;
}

test('chat answers', async () => {
  const { data, request_id: id } = await client.chat.completions
    .create({ model: 'null', messages })
    .withResponse();
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(data.choices[0].message.content, ' token'.repeat(16));
  assert.equal(data.choices[0].finish_reason, 'stop');
  assert.equal(data.usage.completion_tokens, 16);
});

test('chat streams', async () => {
  const chunks = [];
  const options = { stream: true, max_tokens: 3, stream_options: { include_usage: true } };
  for await (const chunk of await chat(options)) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.deepEqual(
    chunks.slice(1, 4).map((chunk) => chunk.choices[0].delta.content),
    [' token', ' token', ' token'],
  );
  assert.equal(chunks[4].choices[0].finish_reason, 'length');
  assert.deepEqual(chunks[5].choices, []);
  assert.equal(chunks[5].usage.completion_tokens, 3);
  assert.equal(chunks.length, 6);
});

test('the stream helper adds the chunks up', async () => {
  const stream = client.chat.completions.stream({ model: 'null', messages, logprobs: true });
  let text = '';
  stream.on('content', (delta) => (text += delta));
  const final = await stream.finalChatCompletion();
  assert.equal(text, ' token'.repeat(16));
  assert.equal(final.choices[0].message.content, text);
  assert.equal(final.choices[0].logprobs.content.length, 16);
});

test('several choices, stop strings, log probabilities', async () => {
  const answer = await chat({ n: 2, stop: ['ken to'], logprobs: true, top_logprobs: 1 });
  assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
  assert.deepEqual(answer.choices.map((choice) => choice.message.content), [' to', ' to']);
  assert.equal(answer.choices[0].logprobs.content[0].top_logprobs[0].token, ' token');
});

test('errors are typed, with their field and code', async () => {
  await assert.rejects(chat({ temperature: 3 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.status, error.param, error.code], [400, 'temperature', 'invalid_value']);
    return true;
  });
  await assert.rejects(chat({ model: 'gpt-4o' }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  const long = [{ role: 'user', content: 'x'.repeat(1_000_000) }];
  await assert.rejects(chat({ messages: long }), { code: 'context_length_exceeded' });
});

test('models are listed and described', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('null'));
  assert.equal((await client.models.retrieve('null')).object, 'model');
  await assert.rejects(client.models.retrieve('openai/gpt-4o'), { status: 404 });
});

test('completions answer, echo and stream', async () => {
  const answer = await client.completions.create({
    model: 'null', prompt: [[1], [2, 3]], echo: true, logprobs: 0, max_tokens: 1,
  });
  assert.deepEqual(answer.choices.map((choice) => choice.text), [' token'.repeat(2), ' token'.repeat(3)]);
  assert.deepEqual(answer.choices[0].logprobs.token_logprobs, [null, 0]);
  let text = '';
  const stream = await client.completions.create({ model: 'null', prompt: 'x', stream: true });
  for await (const chunk of stream) text += chunk.choices[0].text;
  assert.equal(text, ' token'.repeat(16));
});

test('leaving a stream ends it', async () => {
  const before = await clientsThatLeft();
  // Larger than all buffers on the way, so that the server can not have sent it all.
  const much = { max_tokens: 100_000, logprobs: true, top_logprobs: 1 };
  const stream = await chat({ stream: true, ...much });
  let n = 0;
  for await (const _ of stream) if (++n === 5) break;
  stream.controller.abort();
  for (let i = 0; i < 500 && (await clientsThatLeft()) === before; ++i) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok((await clientsThatLeft()) > before);
});

test('many at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => chat({ max_tokens: i + 1 })),
  );
  assert.deepEqual(
    answers.map((answer) => answer.usage.completion_tokens),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('smollm2 knows Paris', { skip: !hasModel && 'smollm2 is not in the store' }, async () => {
  const question = {
    model: 'smollm2',
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    temperature: 0,
    max_tokens: 24,
  };
  const answer = await chat(question);
  assert.match(answer.choices[0].message.content, /Paris/);
  let text = '';
  for await (const chunk of await chat({ ...question, stream: true })) {
    text += chunk.choices[0].delta.content ?? '';
  }
  assert.equal(text, answer.choices[0].message.content);
});
