// A stand-in for `overtake serve` while working on the page: two models, answers streamed as the
// API does, and one way to meet each error. What it answers depends on words in the last line.
import type { Connect, Plugin } from 'vite';

import { mockAnswers } from './mock_answers.ts';

type Handler = Connect.NextHandleFunction;
type Response = Parameters<Handler>[1];

interface Behaviour {
  word: string; // in the last line
  run: (response: Response, model: string) => void;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function json(response: Response, status: number, body: unknown) {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

const error = (status: number, code: string, message: string) => (response: Response) =>
  json(response, status, { error: { message, type: 'invalid_request_error', param: null, code } });

async function stream(
  response: Response,
  model: string,
  text: string,
  end: 'done' | 'error' | 'cut',
) {
  const base = { id: 'chatcmpl-mock', object: 'chat.completion.chunk', created: 1, model };
  const write = (body: object) =>
    response.write(`data: ${JSON.stringify({ ...base, ...body })}\n\n`);
  const choice = (delta: object, finish: string | null = null) => ({
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  response.setHeader('content-type', 'text/event-stream');
  await sleep(180);
  write(choice({ role: 'assistant', content: '' }));
  const tokens = text.match(/\s?\S{1,5}|\s+/g) ?? [];
  for (const token of end === 'done' ? tokens : tokens.slice(0, 60)) {
    if (response.destroyed) return;
    write(choice({ content: token }));
    await sleep(14);
  }
  if (end === 'cut') return void response.destroy();
  if (end === 'error') {
    write({
      error: {
        message: 'The engine ran out of pages.',
        type: 'server_error',
        param: null,
        code: null,
      },
    });
    return void response.end();
  }
  write(choice({}, 'stop'));
  const usage = { prompt_tokens: 31, completion_tokens: tokens.length };
  write({ choices: [], usage: { ...usage, total_tokens: 31 + tokens.length } });
  response.end('data: [DONE]\n\n');
}

const kBehaviours: Behaviour[] = [
  {
    word: '#context',
    run: error(400, 'context_length_exceeded', 'The prompt has 2310 tokens; the model reads 2048.'),
  },
  { word: '#key', run: error(401, 'invalid_api_key', 'No API key was given.') },
  { word: '#busy', run: error(429, 'rate_limit_exceeded', 'Eight requests are waiting already.') },
  { word: '#model', run: error(404, 'model_not_found', 'There is no model "gone".') },
  { word: '#down', run: (response) => void response.destroy() },
  {
    word: '#cut',
    run: (response, model) => void stream(response, model, mockAnswers[0]!.text, 'cut'),
  },
  {
    word: '#fail',
    run: (response, model) => void stream(response, model, mockAnswers[0]!.text, 'error'),
  },
];

function complete(response: Response, body: string) {
  const { messages, model } = JSON.parse(body) as {
    messages: { content: string }[];
    model: string;
  };
  const last = messages.at(-1)?.content.split('\n').at(-1) ?? '';
  const behaviour = kBehaviours.find(({ word }) => last.includes(word));
  if (behaviour) return behaviour.run(response, model);
  const answer =
    mockAnswers.find(({ word }) => last.toLowerCase().includes(word)) ?? mockAnswers[0]!;
  void stream(response, model, answer.text, 'done');
}

const handle: Handler = (request, response, next) => {
  if (request.url === '/v1/models') {
    const entry = (id: string) => ({ id, object: 'model', created: 1, owned_by: 'overtake' });
    return json(response, 200, {
      object: 'list',
      data: [entry('smollm2'), entry('falcon3-1b-instruct')],
    });
  }
  if (request.url !== '/v1/chat/completions') return next();
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', () => complete(response, body));
};

export function mockServer(): Plugin {
  return {
    name: 'mock-server',
    configureServer: ({ middlewares }) => void middlewares.use(handle),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(handle),
  };
}
