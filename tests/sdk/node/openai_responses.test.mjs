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

test('a conversation keeps what is said in it', async () => {
  const made = await client.conversations.create({ metadata: { a: 'b' } });
  assert.deepEqual((await client.conversations.retrieve(made.id)).metadata, { a: 'b' });
  const first = await create({ conversation: made.id });
  const second = await create({ conversation: made.id, input: 'more' });
  assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  const texts = [];
  for await (const item of client.conversations.items.list(made.id, { order: 'asc', limit: 1 })) {
    texts.push(item.content[0].text);
  }
  const said = ' token'.repeat(16);
  assert.deepEqual(texts, ['hi', said, 'more', said]);
  assert.equal((await client.conversations.delete(made.id)).deleted, true);
  await assert.rejects(create({ conversation: made.id }), { code: 'conversation_not_found' });
});

const ended = async (response) => {
  for (const until = Date.now() + 20_000; Date.now() < until;) {
    if (!['queued', 'in_progress'].includes(response.status)) break;
    await new Promise((done) => setTimeout(done, 10));
    response = await client.responses.retrieve(response.id);
  }
  return response;
};

test('a response in the background is fetched, and followed', async () => {
  const begun = await create({ background: true });
  assert.equal(begun.status, 'queued');
  const done = await ended(begun);
  assert.equal(done.output_text, ' token'.repeat(16));
  const events = [];
  for await (const event of await client.responses.retrieve(begun.id, { stream: true })) {
    events.push(event);
  }
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  assert.equal(events[1].type, 'response.queued');
  assert.equal(events.at(-1).type, 'response.completed');
  const rest = [];
  const after = { stream: true, starting_after: 5 };
  for await (const event of await client.responses.retrieve(begun.id, after)) rest.push(event);
  assert.deepEqual(rest, events.slice(6));
  const stream = client.responses.stream({ response_id: begun.id, starting_after: 5 });
  assert.equal((await stream.finalResponse()).output_text, done.output_text);
});

test('a response in the background outlives its stream', async () => {
  let first;
  for await (const event of await create({ background: true, stream: true })) {
    first = event;
    break;
  }
  assert.equal(first.type, 'response.created');
  assert.equal((await ended(first.response)).status, 'completed');
});

const models = process.env.OVERTAKE_TEST_MODELS.split(' ');
test('a response in the background is cancelled', { skip: !models.includes('smollm2') }, async () => {
  const long = { model: 'smollm2', max_output_tokens: 1900, ignore_eos: true, background: true };
  const begun = await create(long);
  const cancelled = await client.responses.cancel(begun.id);
  assert.equal(cancelled.status, 'cancelled');
  assert.equal((await client.responses.retrieve(begun.id)).status, 'cancelled');
  assert.equal((await client.responses.cancel(begun.id)).status, 'cancelled');
  await assert.rejects(client.responses.cancel((await create()).id), { status: 400 });
});

test('errors of responses name their field', async () => {
  await assert.rejects(create({ background: true, store: false }), { param: 'background' });
  await assert.rejects(create({ prompt: { id: 'pmpt_1' } }), { status: 400, param: 'prompt' });
  await assert.rejects(create({ text: { format: { type: 'json_object' } } }), {
    param: 'text.format',
  });
  await assert.rejects(create({ stream: true, input: 'x'.repeat(1_000_000) }), {
    code: 'context_length_exceeded',
  });
});
