// The official @anthropic-ai/sdk package against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: process.env.OVERTAKE_TEST_URL,
  apiKey: 'any key is ignored',
  maxRetries: 0,
});
const hasModel = process.env.OVERTAKE_TEST_MODELS.split(' ').includes('smollm2');
const messages = [{ role: 'user', content: 'hi' }];
const ask = (fields = {}) =>
  client.messages.create({ model: 'null', max_tokens: 16, messages, ...fields });

test('messages answers', async () => {
  const message = await ask();
  assert.match(message._request_id, /^[0-9a-f-]{36}$/);
  assert.equal(message.content[0].text, ' token'.repeat(16));
  assert.equal(message.stop_reason, 'max_tokens');
  assert.equal(message.usage.output_tokens, 16);
  const stopped = await ask({ stop_sequences: ['ken to'] });
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', 'ken to']);
});

test('messages streams', async () => {
  const types = [];
  for await (const event of await ask({ stream: true, max_tokens: 1 })) types.push(event.type);
  assert.deepEqual(types, ['message_start', 'content_block_start', 'content_block_delta',
    'content_block_stop', 'message_delta', 'message_stop']);
});

test('the stream helper tells blocks and the final message', async () => {
  const stream = client.messages.stream({ model: 'null', max_tokens: 5, messages });
  let text = '';
  const blocks = [];
  stream.on('text', (delta) => (text += delta));
  stream.on('contentBlock', (block) => blocks.push(block.text));
  const final = await stream.finalMessage();
  assert.equal(text, ' token'.repeat(5));
  assert.deepEqual(blocks, [text]);
  assert.equal(final.content[0].text, text);
  assert.equal(final.usage.output_tokens, 5);
});

test('tokens are counted', async () => {
  const { input_tokens: n } = await client.messages.countTokens({ model: 'null', messages });
  assert.equal(n, 1);
});

test('errors are typed and say what is wrong', async () => {
  const tools = [{ name: 'f', input_schema: { type: 'object' } }];
  for (const [fields, type, words] of [
    [{ temperature: 3 }, Anthropic.BadRequestError, /temperature: expected/],
    [{ tools }, Anthropic.BadRequestError, /tools\.0: null does not support tool calls/],
    [{ model: 'claude-x' }, Anthropic.NotFoundError, /not served here/],
  ]) {
    await assert.rejects(ask(fields), (error) => {
      assert.ok(error instanceof type);
      assert.equal(error.error.type, 'error');
      assert.match(error.error.error.message, words);
      assert.match(error.requestID, /^[0-9a-f-]{36}$/);
      return true;
    });
  }
});

test('models are listed in its shape', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('null'));
  assert.equal((await client.models.retrieve('null')).type, 'model');
});

test('smollm2 knows Paris', { skip: !hasModel && 'smollm2 is not in the store' }, async () => {
  const question = {
    model: 'smollm2',
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    temperature: 0,
    max_tokens: 24,
  };
  const answer = await ask(question);
  assert.match(answer.content[0].text, /Paris/);
  assert.equal(await client.messages.stream(question).finalText(), answer.content[0].text);
});
