// Runs answers: one at a time per chat, going on while another chat is shown.
import { computed, signal } from '@preact/signals';

import { streamChat } from '../api/client';
import { ApiError, explain } from '../api/errors';
import { type Answer, append, branch, newId, titleOf } from '../chat/chat';
import { requestOf } from '../chat/request';
import { Stopwatch } from '../chat/stats';
import { changeChat, changeMessageIn, createChat, current, findChat } from './chats';
import { model, refreshModels } from './models';
import { Pacer } from './pacer';
import { apiKey, settings } from './settings';

const running = signal<ReadonlyMap<string, AbortController>>(new Map());

export const isAnswering = (chatId: string) => running.value.has(chatId);
export const answeringHere = computed(
  () => current.value !== null && isAnswering(current.value.id),
);

function setRunning(chatId: string, controller: AbortController | null) {
  const next = new Map(running.value);
  if (controller) next.set(chatId, controller);
  else next.delete(chatId);
  running.value = next;
}

export function stop(chatId: string) {
  running.value.get(chatId)?.abort();
}

/** Sends a message in the chat that is shown, or in a new one, and lets the model answer. */
export function send(text: string) {
  const chat = current.value ?? createChat(titleOf(text));
  addQuestion(chat.id, chat.leaf, text);
}

/** Asks `text` as another version of the question after `parent`. */
export function addQuestion(chatId: string, parent: string | null, text: string) {
  stop(chatId);
  const question = { id: newId(), parent, text: text.trim() };
  changeChat(chatId, (chat) => append({ ...chat, updated: Date.now() }, question));
  void answer(chatId, question.id);
}

/** Adds an answer to the message `parent` and streams into it. */
export async function answer(chatId: string, parent: string) {
  stop(chatId);
  const chat = findChat(chatId);
  if (!chat) return;
  const id = newId();
  const request = requestOf(branch(chat, parent), model.value, settings.value);
  let state: Answer = { model: request.model, state: 'streaming', reasoning: '' };
  let text = '';
  changeChat(chatId, (old) =>
    append({ ...old, updated: Date.now() }, { id, parent, text, answer: state }),
  );

  const controller = new AbortController();
  setRunning(chatId, controller);
  const watch = new Stopwatch(() => performance.now());
  const show = () => changeMessageIn(chatId, id, (old) => ({ ...old, text, answer: state }));
  const pacer = new Pacer(() => {
    if (state.state === 'streaming') show();
  });
  try {
    for await (const event of streamChat(request, apiKey.value, controller.signal)) {
      if (event.kind === 'usage') watch.count(event.usage);
      else if (event.kind === 'finish') state = { ...state, finishReason: event.reason };
      else {
        watch.piece();
        if (event.kind === 'text') text += event.text;
        else state = { ...state, reasoning: state.reasoning + event.text };
        state = { ...state, stats: watch.stats() };
        pacer.request();
      }
    }
    state = { ...state, state: 'done' };
  } catch (error) {
    if (controller.signal.aborted) state = { ...state, state: 'stopped' };
    else state = { ...state, state: 'failed', failure: explain(error) };
    // The server may have gone, or have changed its models.
    const refused = error instanceof ApiError && error.status !== 0 && error.status !== 404;
    if (!refused && !controller.signal.aborted) void refreshModels();
  }
  state = { ...state, stats: watch.stats() };
  show();
  if (running.value.get(chatId) === controller) setRunning(chatId, null);
}
