// Embeddings by the official packages against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';

const url = process.env.OVERTAKE_TEST_URL;
const eighth = Array(64).fill(0.125); // what `null` gives
const halves = Array(4).fill(0.5);

test('openai: embeddings', async () => {
  const { embeddings } = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
  const one = await embeddings.create({ model: 'null', input: 'hello' });
  assert.deepEqual(one.data[0].embedding, eighth);
  assert.equal(one.usage.prompt_tokens, 2);
  const asked = { model: 'null', input: ['a', 'b'], dimensions: 4, encoding_format: 'float' };
  const two = await embeddings.create(asked);
  assert.deepEqual(two.data.map((each) => each.embedding), [halves, halves]);
  await assert.rejects(embeddings.create({ model: 'null', input: [] }), OpenAI.BadRequestError);
});

test('gemini: embeddings', async () => {
  const { models } = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: url } });
  const config = { outputDimensionality: 4, taskType: 'RETRIEVAL_QUERY' };
  const two = await models.embedContent({ model: 'null', contents: ['a', 'b'], config });
  assert.deepEqual(two.embeddings.map((each) => each.values), [halves, halves]);
  const wrong = models.embedContent({ model: 'nobody', contents: 'a' });
  await assert.rejects(wrong, (error) => error.status === 404);
});

test('ollama: embeddings', async () => {
  const client = new Ollama({ host: url });
  const two = await client.embed({ model: 'null', input: ['a', 'b'], dimensions: 4 });
  assert.deepEqual(two.embeddings, [halves, halves]);
  const long = 'a'.repeat(600_000);
  assert.deepEqual((await client.embed({ model: 'null', input: ['a', long] })).truncated, [1]);
  await assert.rejects(client.embed({ model: 'null', input: long, truncate: false }), /context/);
  const older = await client.embeddings({ model: 'null', prompt: 'hello' });
  assert.deepEqual(older.embedding, eighth);
});
