import { afterEach, describe, expect, it, vi } from 'vitest';

import { listModels, streamChat, type StreamEvent } from './client';
import { ApiError, explain } from './errors';

const request = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] };
const chunk = (body: object) => `data: ${JSON.stringify(body)}\n\n`;
const delta = (content: string | null, finish_reason: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason }] });

function answerWith(body: string, init: ResponseInit = {}) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(body, init));
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

/** All events, and the error that ended them if one did. */
async function collect(): Promise<[StreamEvent[], unknown]> {
  const events: StreamEvent[] = [];
  try {
    for await (const event of streamChat(request, '', new AbortController().signal))
      events.push(event);
  } catch (error) {
    return [events, error];
  }
  return [events, null];
}

afterEach(() => vi.unstubAllGlobals());

describe('streamChat', () => {
  it('gives text, finish and usage in the order of the API', async () => {
    const fetch = answerWith(
      chunk({
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
        usage: null,
      }) +
        delta('Hel') +
        delta('lo') +
        delta(null, 'stop') +
        chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }) +
        'data: [DONE]\n\n',
    );
    expect(await collect()).toEqual([
      [
        { kind: 'text', text: 'Hel' },
        { kind: 'text', text: 'lo' },
        { kind: 'finish', reason: 'stop' },
        { kind: 'usage', usage: { prompt_tokens: 3, completion_tokens: 2 } },
      ],
      null,
    ]);
    const [url, init] = fetch.mock.calls[0]!;
    expect(url).toBe('v1/chat/completions');
    expect(JSON.parse(init.body as string)).toEqual({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(init.headers).not.toHaveProperty('authorization');
  });

  it('tells an answer that was cut off from a whole one', async () => {
    answerWith(delta('Hel'));
    const [events, error] = await collect();
    expect(events).toHaveLength(1);
    expect(explain(error).title).toBe('The answer was cut off');
    answerWith(delta('Hel', 'length'));
    expect((await collect())[1]).toBeNull();
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new TypeError('network error')),
    });
    vi.stubGlobal('fetch', async () => new Response(broken));
    expect(explain((await collect())[1]).title).toBe('The answer was cut off');
  });

  it('reports an error in the middle of the stream and keeps what came before', async () => {
    answerWith(
      delta('Hel') +
        chunk({ error: { message: 'out of pages', type: 'server_error', code: null } }),
    );
    const [events, error] = await collect();
    expect(events).toEqual([{ kind: 'text', text: 'Hel' }]);
    expect(explain(error)).toMatchObject({ detail: 'out of pages', actions: ['retry'] });
  });

  it('reports events that are not objects', async () => {
    for (const data of ['oops', '7', 'null']) {
      answerWith(`data: ${data}\n\n`);
      expect((await collect())[1]).toBeInstanceOf(ApiError);
    }
  });

  it('says what to do about each refusal', async () => {
    const refused = async (status: number, body: string) => {
      answerWith(body, { status });
      return explain((await collect())[1]);
    };
    const body = (code: string) =>
      JSON.stringify({ error: { message: 'words', type: 't', param: null, code } });
    expect(await refused(400, body('context_length_exceeded'))).toMatchObject({
      actions: ['newChat'],
      detail: 'words',
    });
    expect((await refused(404, body('model_not_found'))).advice).toContain('another model');
    expect((await refused(401, body('invalid_api_key'))).actions).toContain('settings');
    expect((await refused(403, '')).advice).toContain('address');
    expect((await refused(400, '{"detail":[{"loc":1}]}')).detail).toBe('[{"loc":1}]');
    expect((await refused(500, '{"error":"words"}')).detail).toBe('words');
    expect((await refused(502, '<html>proxy</html>')).detail).toBe('HTTP 502');
    expect((await refused(429, '')).title).toBe('The server is busy');
  });

  it('says that the server is away when there is none', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(explain((await collect())[1]).advice).toContain('overtake serve');
  });
});

describe('listModels', () => {
  it('gives names, sends the key, and survives an odd list', async () => {
    const fetch = answerWith('{"data":[{"id":"a"},{"id":7},{}]}');
    expect(await listModels('k')).toEqual(['a']);
    expect(fetch.mock.calls[0]![1].headers).toEqual({ authorization: 'Bearer k' });
    answerWith('{}');
    expect(await listModels('')).toEqual([]);
  });
});
