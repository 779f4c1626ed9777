// The official @google/genai package against a running `overtake serve`; run by ../run.sh.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, GoogleGenAI } from '@google/genai';

const { models } = new GoogleGenAI({
  apiKey: 'any key is ignored',
  httpOptions: { baseUrl: process.env.OVERTAKE_TEST_URL },
});
const hasModel = process.env.OVERTAKE_TEST_MODELS.split(' ').includes('smollm2');
const ask = (fields = {}) => models.generateContent({ model: 'null', contents: 'hi', ...fields });

test('gemini: answers', async () => {
  const answer = await ask();
  assert.equal(answer.text, ' token'.repeat(16));
  assert.equal(answer.candidates[0].finishReason, 'STOP');
  assert.equal(answer.usageMetadata.candidatesTokenCount, 16);
});

test('gemini: streams', async () => {
  const stream = await models.generateContentStream({
    model: 'null',
    contents: 'hi',
    config: { maxOutputTokens: 3 },
  });
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  assert.equal(pieces.map((piece) => piece.text ?? '').join(''), ' token'.repeat(3));
  assert.equal(pieces.at(-1).candidates[0].finishReason, 'MAX_TOKENS');
});

test('gemini: tokens and models', async () => {
  const count = await models.countTokens({ model: 'null', contents: 'hi there' });
  assert.equal(count.totalTokens, 2);
  assert.equal((await models.get({ model: 'null' })).name, 'models/null');
});

test('gemini: errors and refusals', async () => {
  const refused = (call, status, message) =>
    assert.rejects(call, (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, status);
      assert.match(error.message, message);
      return true;
    });
  await refused(ask({ model: 'other' }), 404, /NOT_FOUND/);
  await refused(ask({ config: { temperature: 3 } }), 400, /generationConfig\.temperature/);
  await refused(ask({ config: { responseMimeType: 'application/json' } }), 400, /responseMimeType/);
  const image = { inlineData: { mimeType: 'image/png', data: 'aGk=' } };
  await refused(ask({ contents: [image] }), 400, /contents\.0\.parts\.0/);
});

test('gemini: the real model', { skip: !hasModel }, async () => {
  const answer = await models.generateContent({
    model: 'smollm2',
    contents: 'What is the capital of France?',
    config: { temperature: 0, maxOutputTokens: 24 },
  });
  assert.match(answer.text, /Paris/);
});
