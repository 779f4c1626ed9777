// The two calls that the page makes. Addresses are relative, so the page works under any path.
import { ApiError, apiError } from './errors';
import { readEvents } from './sse';
import type { ChatChunk, ChatRequest, Usage } from './types';

export type StreamEvent =
  | { kind: 'text'; text: string }
  | { kind: 'reasoning'; text: string }
  | { kind: 'usage'; usage: Usage }
  | { kind: 'finish'; reason: string };

function headers(key: string): Record<string, string> {
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    return apiError(JSON.parse(text), response.status);
  } catch {
    // Not JSON: a proxy's HTML page tells a person less than the status line.
    return new ApiError(
      `HTTP ${response.status} ${response.statusText}`.trim(),
      response.status,
      null,
    );
  }
}

/** Names of the models, the default first. Throws ApiError, or TypeError without a server. */
export async function listModels(key: string): Promise<string[]> {
  const response = await fetch('v1/models', { headers: headers(key), cache: 'no-store' });
  if (!response.ok) throw await errorOf(response);
  const body = (await response.json()) as { data?: { id?: unknown }[] };
  return (body.data ?? []).map((model) => model.id).filter((id) => typeof id === 'string');
}

function parseChunk(data: string): ChatChunk {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new ApiError(`An event of the stream is not JSON: ${data.slice(0, 80)}`, 0, null);
  }
  if (typeof chunk !== 'object' || chunk === null) {
    throw new ApiError('An event of the stream is not an object', 0, null);
  }
  if ('error' in chunk && chunk.error) throw apiError(chunk, 0);
  return chunk;
}

/** A connection that breaks off is the same to a person as a stream that ends too early. */
async function* readToTheEnd(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  try {
    yield* readEvents(body);
  } catch (error) {
    throw error instanceof TypeError ? new ApiError('', 0, 'interrupted') : error;
  }
}

/**
 * Streams one answer. Throws ApiError for what the server says (also in the middle of the stream)
 * and with code `interrupted` where the stream ends without a finish_reason or [DONE];
 * AbortError after `signal`; TypeError where there is no server.
 */
export async function* streamChat(
  request: ChatRequest,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const response = await fetch('v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers(key) },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok || !response.body) throw await errorOf(response);

  let ended = false;
  for await (const data of readToTheEnd(response.body)) {
    if (data === '[DONE]') return;
    const chunk = parseChunk(data);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.reasoning_content) {
      yield { kind: 'reasoning', text: choice.delta.reasoning_content };
    }
    if (choice?.delta?.content) yield { kind: 'text', text: choice.delta.content };
    if (choice?.finish_reason) {
      ended = true;
      yield { kind: 'finish', reason: choice.finish_reason };
    }
    if (chunk.usage) yield { kind: 'usage', usage: chunk.usage };
  }
  if (!ended) throw new ApiError('', 0, 'interrupted');
}
