// The chats, which one is shown, and their place in this browser's storage. The address's fragment
// names the chat that is shown, so that Back and a bookmark work.
import { computed, signal } from '@preact/signals';

import { branch, type Chat, changeMessage, type Message, newId, showVersion } from '../chat/chat';
import { chatIdOf, chatName, parseChat, readChats, write } from './storage';
import { showToast } from './toast';

const all = signal<ReadonlyMap<string, Chat>>(new Map(readChats().map((chat) => [chat.id, chat])));
const shownId = signal(location.hash.slice(1));

export const chats = computed(() => [...all.value.values()].sort((a, b) => b.updated - a.updated));
/** Null for a new chat, which is stored with its first message. */
export const current = computed(() => all.value.get(shownId.value) ?? null);
export const currentBranch = computed(() => (current.value ? branch(current.value) : []));

const unsaved = new Set<string>();
let saveTimer: ReturnType<typeof setTimeout> | undefined;

function saveNow() {
  clearTimeout(saveTimer);
  saveTimer = undefined;
  let kept = true;
  for (const id of unsaved) {
    const chat = all.value.get(id);
    kept = write(chatName(id), chat ? JSON.stringify(chat) : null) && kept;
  }
  unsaved.clear();
  if (!kept) showToast('This browser keeps no more chats. Delete some to make room.');
}

function put(chat: Chat) {
  all.value = new Map(all.value).set(chat.id, chat);
  save(chat.id);
}

// At most twice a second: an answer changes its chat with every frame.
function save(id: string) {
  unsaved.add(id);
  saveTimer ??= setTimeout(saveNow, 500);
}

export const findChat = (id: string) => all.value.get(id);

export function openChat(id: string) {
  location.hash = id;
  shownId.value = id;
}

export const newChat = () => openChat('');

/** Makes a chat and shows it. */
export function createChat(title: string): Chat {
  const chat: Chat = { id: newId(), title, updated: Date.now(), messages: [], leaf: null };
  put(chat);
  openChat(chat.id);
  return chat;
}

/** Changes a chat if it still exists. */
export function changeChat(id: string, change: (old: Chat) => Chat) {
  const chat = all.value.get(id);
  if (chat) put(change(chat));
}

export function changeMessageIn(chatId: string, id: string, change: (old: Message) => Message) {
  changeChat(chatId, (chat) => changeMessage(chat, id, change));
}

export function renameChat(id: string, title: string) {
  if (title.trim() !== '')
    changeChat(id, (chat) => ({ ...chat, title: title.trim().slice(0, 120) }));
}

export function showVersionIn(chatId: string, id: string) {
  changeChat(chatId, (chat) => showVersion(chat, id));
}

export function deleteChat(id: string) {
  const chat = all.value.get(id);
  if (!chat) return;
  const others = new Map(all.value);
  others.delete(id);
  const wasShown = shownId.value === id;
  all.value = others;
  save(id);
  if (wasShown) newChat();
  showToast(`Deleted “${chat.title}”`, {
    label: 'Undo',
    run: () => {
      // Read back as a reload would: an answer that was still streaming has been stopped.
      put(parseChat(JSON.stringify(chat)) ?? chat);
      if (wasShown) openChat(id);
    },
  });
}

/** Follows the address, other tabs, and the page's end. Called once. */
export function watchChats() {
  addEventListener('hashchange', () => (shownId.value = location.hash.slice(1)));
  addEventListener('pagehide', saveNow);
  addEventListener('storage', ({ key, newValue }) => {
    const id = chatIdOf(key);
    if (id === null || unsaved.has(id)) return;
    const chat = newValue === null ? null : parseChat(newValue);
    const next = new Map(all.value);
    if (chat) next.set(id, chat);
    else next.delete(id);
    all.value = next;
  });
}
