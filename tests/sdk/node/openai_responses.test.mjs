// OpenAI's Responses by the official package against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.OVERTAKE_TEST_URL}/v1`,
  apiKey: 'any key is ignored',
  maxRetries: 0,
});
const create = (fields = {}) => client.responses.create({ model: 'null', input: 'hi', ...fields });

test('a response answers', async () => {
  const answer = await create();
  assert.match(answer.id, /^resp_/);
  assert.equal(answer.output_text, ' token'.repeat(16));
  assert.equal(answer.status, 'completed');
  assert.equal(answer.usage.output_tokens, 16);
});

test('a response streams', async () => {
  const events = [];
  for await (const event of await create({ stream: true })) events.push(event);
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.completed');
});

test('the stream helper adds the events up', async () => {
  const stream = client.responses.stream({ model: 'null', input: 'hi' });
  let text = '';
  stream.on('response.output_text.delta', (event) => (text += event.delta));
  const final = await stream.finalResponse();
  assert.equal(text, ' token'.repeat(16));
  assert.equal(final.output_text, text);
});

test('a response goes on from another', async () => {
  const first = await create();
  const second = await create({ previous_response_id: first.id, input: 'more' });
  assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  assert.equal((await client.responses.retrieve(first.id)).output_text, first.output_text);
  const items = [];
  for await (const item of client.responses.inputItems.list(second.id)) items.push(item);
  assert.deepEqual(items.map((item) => item.content[0].text), ['more']);
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), { code: 'response_not_found' });
  await assert.rejects(create({ previous_response_id: first.id }), { status: 404 });
});

test('errors of responses name their field', async () => {
  await assert.rejects(create({ background: true }), { status: 400, param: 'background' });
  await assert.rejects(create({ text: { format: { type: 'json_object' } } }), {
    param: 'text.format',
  });
  await assert.rejects(create({ stream: true, input: 'x'.repeat(1_000_000) }), {
    code: 'context_length_exceeded',
  });
});
