// The official packages of four vendors, through Overtake, to each provider as the simulator plays
// it. usage: node providers.mjs URL PROVIDER... ; ../python/test_providers.py runs it.
import assert from 'node:assert/strict';

import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';

const [url, ...providers] = process.argv.slice(2);
const text = 'Hello, world.';
const call = { name: 'get_weather', input: { city: 'Paris' } };
const schema = { type: 'object', properties: { city: { type: 'string' } } };
const tools = [{ type: 'function', function: { name: call.name, parameters: schema } }];
const messages = [{ role: 'user', content: 'hi' }];

async function all(stream, piece) {
  const out = [];
  for await (const each of await stream) out.push(piece(each));
  return out.flat().filter((each) => each !== undefined && each !== null);
}

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 });
const gemini = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: url } });
const ollama = new Ollama({ host: url });

const texts = ['one', 'two'];
const vectors = [[0.5, 0, -0.25, 1], [0.5, 1, -0.25, 1]]; // as the simulator's scenes.py has them

// Each: a text whole and streamed, a call as {name, input}, vectors where the vendor has them, and
// what a 429 is.
const clients = {
  openai: {
    text: async (model) =>
      (await openai.chat.completions.create({ model, messages })).choices[0].message.content,
    stream: async (model) =>
      (await all(openai.chat.completions.create({ model, messages, stream: true }),
        (chunk) => chunk.choices[0]?.delta.content)).join(''),
    call: async (model) => {
      const answer = await openai.chat.completions.create({ model, messages, tools });
      const { name, arguments: text } = answer.choices[0].message.tool_calls[0].function;
      return { name, input: JSON.parse(text) };
    },
    embed: async (model) =>
      (await openai.embeddings.create({ model, input: texts })).data.map((each) => each.embedding),
    limited: (error) => error instanceof OpenAI.RateLimitError,
  },
  anthropic: {
    text: async (model) =>
      (await anthropic.messages.create({ model, messages, max_tokens: 50 })).content[0].text,
    stream: (model) =>
      anthropic.messages.stream({ model, messages, max_tokens: 50 }).finalText(),
    call: async (model) => {
      const own = [{ name: call.name, input_schema: schema }];
      const asked = { model, messages, max_tokens: 50, tools: own };
      const { name, input } = (await anthropic.messages.stream(asked).finalMessage()).content[0];
      return { name, input };
    },
    limited: (error) => error instanceof Anthropic.RateLimitError,
  },
  gemini: {
    text: async (model) =>
      (await gemini.models.generateContent({ model, contents: 'hi' })).text,
    stream: async (model) =>
      (await all(gemini.models.generateContentStream({ model, contents: 'hi' }),
        (chunk) => chunk.text)).join(''),
    call: async (model) => {
      const own = { name: call.name, parametersJsonSchema: schema };
      const config = { tools: [{ functionDeclarations: [own] }] };
      const [found] = await all(
        gemini.models.generateContentStream({ model, contents: 'hi', config }),
        (chunk) => chunk.functionCalls);
      return { name: found.name, input: found.args };
    },
    embed: async (model) =>
      (await gemini.models.embedContent({ model, contents: texts }))
        .embeddings.map((each) => each.values),
    limited: (error) => error.status === 429,
  },
  ollama: {
    text: async (model) => (await ollama.chat({ model, messages })).message.content,
    stream: async (model) =>
      (await all(ollama.chat({ model, messages, stream: true }),
        (line) => line.message.content)).join(''),
    call: async (model) => {
      const answer = await ollama.chat({ model, messages, tools });
      const { name, arguments: input } = answer.message.tool_calls[0].function;
      return { name, input };
    },
    embed: async (model) => (await ollama.embed({ model, input: texts })).embeddings,
    limited: (error) => error.status_code === 429,
  },
};

for (const [name, client] of Object.entries(clients)) {
  for (const provider of providers) {
    const alone = provider === 'openai-responses'; // ../../pairs/run.py: model_of
    const of = (scene) => (alone ? `openai/codex-${scene}.node` : `${provider}/${scene}.node`);
    const where = `${name} with ${provider}`;
    assert.equal(await client.text(of('text')), text, where);
    assert.equal(await client.stream(of('text')), text, where);
    assert.deepEqual(await client.call(of('tool')), call, where);
    if (client.embed && provider !== 'anthropic' && !alone) {
      assert.deepEqual(await client.embed(of('text')), vectors, where);
      await assert.rejects(client.embed(of('cut')), Error, where);
    }
    await assert.rejects(client.text(of('429-later')), client.limited, where);
    await assert.rejects(client.stream(of('cut')), Error, where);
  }
}
