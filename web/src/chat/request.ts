// What is sent to the server for a branch of a chat.
import type { ChatMessage, ChatRequest } from '../api/types';
import type { Message } from './chat';

/** Sampling and system prompt; null leaves the choice to the model. */
export interface Settings {
  system: string;
  temperature: number | null;
  topP: number | null;
  maxTokens: number | null;
  seed: number | null;
}

/**
 * The API's own temperature of 1 makes small models ramble. 0.6 and 0.9 are what Meta publishes
 * with Llama; whoever clears a field gets the model's own value.
 */
export const defaultSettings: Settings = {
  system: '',
  temperature: 0.6,
  topP: 0.9,
  maxTokens: null,
  seed: null,
};

/**
 * Answers without text (failed or stopped early) are left out, and questions that thereby meet are
 * joined: many chat templates refuse two turns of the same role in a row.
 */
export function messagesOf(messages: Message[], system: string): ChatMessage[] {
  const sent: ChatMessage[] = [];
  if (system.trim() !== '') sent.push({ role: 'system', content: system });
  for (const { text, answer } of messages) {
    if (answer && text === '') continue;
    const role = answer ? 'assistant' : 'user';
    const last = sent.at(-1);
    if (last?.role === role) last.content += `\n\n${text}`;
    else sent.push({ role, content: text });
  }
  return sent;
}

export function requestOf(messages: Message[], model: string, settings: Settings): ChatRequest {
  const { temperature, topP, maxTokens, seed } = settings;
  return {
    model,
    messages: messagesOf(messages, settings.system),
    ...(temperature !== null && { temperature }),
    ...(topP !== null && { top_p: topP }),
    ...(maxTokens !== null && { max_tokens: maxTokens }),
    ...(seed !== null && { seed }),
  };
}
