// What this browser remembers. Every read is checked: localStorage may hold what an older version
// of the page, another tab or a person wrote, and it may be full or forbidden.
import type { Failure, FailureAction } from '../api/errors';
import type { Answer, AnswerState, AnswerStats, Chat, Message } from '../chat/chat';
import { defaultSettings, type Settings } from '../chat/request';

const kPrefix = 'overtake.';
const kChatPrefix = `${kPrefix}chat.`;

export function read(name: string): string | null {
  try {
    return localStorage.getItem(kPrefix + name);
  } catch {
    return null;
  }
}

/** False where the browser keeps nothing: it is full, or storage is forbidden. */
export function write(name: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(kPrefix + name);
    else localStorage.setItem(kPrefix + name, value);
    return true;
  } catch {
    return false;
  }
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOr = (value: unknown, other: string) => (typeof value === 'string' ? value : other);

const kActions: FailureAction[] = ['retry', 'newChat', 'settings'];
const kEnds: AnswerState[] = ['done', 'stopped', 'failed'];

function parseFailure(value: unknown): Failure | undefined {
  if (!isFields(value)) return undefined;
  const { title, advice, detail, actions } = value;
  return {
    title: textOr(title, 'The answer failed'),
    advice: textOr(advice, ''),
    ...(typeof detail === 'string' && { detail }),
    actions: Array.isArray(actions) ? kActions.filter((action) => actions.includes(action)) : [],
  };
}

function parseStats(value: unknown): AnswerStats | undefined {
  if (!isFields(value) || typeof value.completionTokens !== 'number') return undefined;
  const { completionTokens, counted, promptTokens, firstTokenMs, tokensPerSecond } = value;
  return {
    completionTokens,
    counted: counted === true,
    ...(typeof promptTokens === 'number' && { promptTokens }),
    ...(typeof firstTokenMs === 'number' && { firstTokenMs }),
    ...(typeof tokensPerSecond === 'number' && { tokensPerSecond }),
  };
}

function parseAnswer(value: unknown): Answer | undefined {
  if (!isFields(value)) return undefined;
  const failure = parseFailure(value.failure);
  const stats = parseStats(value.stats);
  return {
    model: textOr(value.model, ''),
    // Neither end: the page was closed while this answer was being written.
    state: kEnds.find((end) => end === value.state) ?? 'stopped',
    reasoning: textOr(value.reasoning, ''),
    ...(typeof value.finishReason === 'string' && { finishReason: value.finishReason }),
    ...(failure && { failure }),
    ...(stats && { stats }),
  };
}

function parseMessage(value: unknown): Message[] {
  if (!isFields(value) || typeof value.id !== 'string' || typeof value.text !== 'string') return [];
  const parent = typeof value.parent === 'string' ? value.parent : null;
  const answer = parseAnswer(value.answer);
  return [{ id: value.id, parent, text: value.text, ...(answer && { answer }) }];
}

/** A chat as it was stored, or null where the text is not one. */
export function parseChat(text: string): Chat | null {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isFields(stored) || typeof stored.id !== 'string' || !Array.isArray(stored.messages))
    return null;
  const messages = stored.messages.flatMap(parseMessage);
  const leaf = messages.find(({ id }) => id === (stored as Fields).leaf) ?? messages.at(-1);
  return {
    id: stored.id,
    title: textOr(stored.title, 'Chat'),
    updated: typeof stored.updated === 'number' ? stored.updated : 0,
    messages,
    leaf: leaf?.id ?? null,
  };
}

export function readChats(): Chat[] {
  const chats: Chat[] = [];
  try {
    for (let i = 0; i < localStorage.length; i++) {
      const name = localStorage.key(i);
      if (!name?.startsWith(kChatPrefix)) continue;
      const chat = parseChat(localStorage.getItem(name) ?? '');
      if (chat) chats.push(chat);
    }
  } catch {
    return chats;
  }
  return chats;
}

export const chatName = (id: string) => `chat.${id}`;

/** The id of the chat that a storage event of another tab is about. */
export function chatIdOf(storageKey: string | null): string | null {
  return storageKey?.startsWith(kChatPrefix) ? storageKey.slice(kChatPrefix.length) : null;
}

export function parseSettings(text: string | null): Settings {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? '');
  } catch {
    return defaultSettings;
  }
  if (!isFields(stored)) return defaultSettings;
  // Null is a choice: the field was cleared.
  const numberOr = (value: unknown, other: number | null) =>
    value === null || (typeof value === 'number' && isFinite(value)) ? value : other;
  return {
    system: textOr(stored.system, defaultSettings.system),
    temperature: numberOr(stored.temperature, defaultSettings.temperature),
    topP: numberOr(stored.topP, defaultSettings.topP),
    maxTokens: numberOr(stored.maxTokens, defaultSettings.maxTokens),
    seed: numberOr(stored.seed, defaultSettings.seed),
  };
}
