// A chat is a tree of messages: retrying an answer and editing a question add a sibling instead of
// destroying what was there. `leaf` ends the branch that is shown. All functions are pure.
import type { Failure } from '../api/errors';

export type AnswerState = 'streaming' | 'done' | 'stopped' | 'failed';

/** What was measured about an answer; times in milliseconds as the page saw them. */
export interface AnswerStats {
  promptTokens?: number;
  cachedTokens?: number; // of the prompt
  costNanoUsd?: number;
  completionTokens: number;
  counted: boolean; // by the server's usage; otherwise by the pieces that came
  firstTokenMs?: number;
  tokensPerSecond?: number;
}

export interface Answer {
  model: string;
  state: AnswerState;
  reasoning: string;
  finishReason?: string;
  failure?: Failure;
  stats?: AnswerStats;
}

export interface Message {
  id: string;
  parent: string | null; // id of the message before; null for the first
  text: string;
  answer?: Answer; // absent: the message is the user's
}

export interface Chat {
  id: string;
  title: string;
  updated: number; // milliseconds since 1970
  messages: Message[]; // in order of creation; a parent comes before its children
  leaf: string | null;
}

/** A short random id; crypto.randomUUID is missing where the page is served over plain HTTP. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** The branch from the first message to `end`. */
export function branch(chat: Chat, end: string | null = chat.leaf): Message[] {
  const byId = new Map(chat.messages.map((message) => [message.id, message]));
  const messages: Message[] = [];
  for (let id = end; id !== null;) {
    const message = byId.get(id);
    if (!message) break;
    byId.delete(id); // a damaged chat may hold a loop
    messages.push(message);
    id = message.parent;
  }
  return messages.reverse();
}

/** All versions of a message, itself included, oldest first. */
export function versions(chat: Chat, message: Message): Message[] {
  return chat.messages.filter((other) => other.parent === message.parent);
}

export function append(chat: Chat, message: Message): Chat {
  return { ...chat, messages: [...chat.messages, message], leaf: message.id };
}

/** Shows version `id`, with the newest messages that follow it. */
export function showVersion(chat: Chat, id: string): Chat {
  let leaf = id;
  for (const message of chat.messages) if (message.parent === leaf) leaf = newestChild(chat, leaf);
  return { ...chat, leaf };
}

function newestChild(chat: Chat, parent: string): string {
  return chat.messages.findLast((message) => message.parent === parent)?.id ?? parent;
}

export function changeMessage(chat: Chat, id: string, change: (old: Message) => Message): Chat {
  return { ...chat, messages: chat.messages.map((m) => (m.id === id ? change(m) : m)) };
}

/** The shown branch as a Markdown file. */
export function toMarkdown(chat: Chat): string {
  const parts = branch(chat).map(
    ({ text, answer }) => `## ${answer ? answer.model : 'You'}\n\n${text}\n`,
  );
  return [`# ${chat.title}\n`, ...parts].join('\n');
}

/** A title out of the first words of the first message. */
export function titleOf(text: string): string {
  const line = text.trim().split('\n')[0]?.replace(/\s+/g, ' ') ?? '';
  if (line.length <= 48) return line || 'New chat';
  const cut = line.slice(0, 48);
  const space = cut.lastIndexOf(' ');
  return `${space > 24 ? cut.slice(0, space) : cut.trimEnd()}…`;
}
