// The list of chats, newest first, and the way to a new one. On a phone it is a drawer.
import { useEffect, useRef, useState } from 'preact/hooks';

import { type Chat, toMarkdown } from '../chat/chat';
import { isAnswering, stop } from '../store/answers';
import {
  chats,
  current,
  deleteChat,
  findChat,
  newChat,
  openChat,
  renameChat,
} from '../store/chats';
import { focusComposer, leaveSidebar, setSidebar, sidebarOpen } from '../store/view';
import { Icon, Mark } from './icons';
import { Menu } from './menu';
import { pure } from './pure';

/** Up to this many chats are found by looking. */
const kFewChats = 8;
const kDayMs = 24 * 60 * 60 * 1000;

function ageOf(updated: number, now: Date): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  if (updated >= midnight) return 'Today';
  if (updated >= midnight - kDayMs) return 'Yesterday';
  return updated >= midnight - 7 * kDayMs ? 'Last seven days' : 'Earlier';
}

/** Gives the chat to the browser as a file to keep. */
function exportChat(id: string) {
  const chat = findChat(id);
  if (!chat) return;
  const url = URL.createObjectURL(new Blob([toMarkdown(chat)], { type: 'text/markdown' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${chat.title.replace(/[^\p{L}\p{N} _-]+/gu, '').trim() || 'chat'}.md`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const contains = ({ title, messages }: Chat, words: string) =>
  [title, ...messages.map(({ text }) => text)].some((text) => text.toLowerCase().includes(words));

export function Sidebar() {
  const [search, setSearch] = useState('');
  const words = search.trim().toLowerCase();
  const searchable = chats.value.length > kFewChats || words !== '';
  const found = words === '' ? chats.value : chats.value.filter((chat) => contains(chat, words));
  const now = new Date();
  const groups = Map.groupBy(found, (chat) => ageOf(chat.updated, now));
  return (
    <nav class="sidebar" aria-label="Chats" inert={!sidebarOpen.value}>
      <div class="sidebar-top">
        <a class="brand" href="#" onClick={leaveSidebar}>
          <Mark /> Overtake
        </a>
        <button
          type="button"
          class="tool"
          aria-label="Close sidebar"
          title="Close sidebar"
          onClick={() => setSidebar(false)}
        >
          <Icon name="sidebar" />
        </button>
      </div>
      <button
        type="button"
        class="new-chat"
        onClick={() => {
          newChat();
          leaveSidebar();
          focusComposer();
        }}
      >
        <Icon name="plus" /> New chat
        <kbd>{/Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      {searchable && (
        <input
          type="search"
          class="search"
          aria-label="Search chats"
          placeholder="Search"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <div class="chat-list">
        {[...groups].map(([age, list]) => (
          <section key={age} aria-label={age}>
            <h2>{age}</h2>
            <ul>
              {list.map(({ id, title }) => (
                <Row
                  key={id}
                  id={id}
                  title={title}
                  shown={id === current.value?.id}
                  answering={isAnswering(id)}
                />
              ))}
            </ul>
          </section>
        ))}
        {found.length === 0 && (
          <p class="no-chats">
            {words === '' ? 'Your chats stay in this browser.' : 'No chat has these words.'}
          </p>
        )}
      </div>
    </nav>
  );
}

interface RowProps extends Pick<Chat, 'id' | 'title'> {
  shown: boolean;
  answering: boolean;
}

const Row = pure(({ id, title, shown, answering }: RowProps) => {
  const [renaming, setRenaming] = useState(false);
  if (renaming)
    return (
      <li class="row">
        <Rename id={id} title={title} done={() => setRenaming(false)} />
      </li>
    );
  return (
    <li class={`row${shown ? ' shown' : ''}`}>
      <button
        type="button"
        class="row-title"
        title={title}
        aria-current={shown ? 'page' : undefined}
        onClick={() => {
          openChat(id);
          leaveSidebar();
        }}
        onDblClick={() => setRenaming(true)}
      >
        <span>{title}</span>
      </button>
      {answering && <span class="pulse" role="img" aria-label="Answering" />}
      <Menu
        label={`Actions for ${title}`}
        class="tool row-menu"
        items={[
          { label: 'Rename', icon: 'edit', run: () => setRenaming(true) },
          { label: 'Export', icon: 'download', run: () => exportChat(id) },
          {
            label: 'Delete',
            icon: 'trash',
            danger: true,
            run: () => {
              stop(id);
              deleteChat(id);
            },
          },
        ]}
      >
        <Icon name="more" />
      </Menu>
    </li>
  );
});

function Rename({ id, title, done }: { id: string; title: string; done: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const cancelled = useRef(false);
  useEffect(() => input.current?.select(), []);
  const leave = () => {
    if (!cancelled.current && input.current) renameChat(id, input.current.value);
    done();
  };
  return (
    <input
      ref={input}
      class="rename"
      aria-label="Title of the chat"
      defaultValue={title}
      maxLength={120}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancelled.current = true;
        if (event.key === 'Escape' || event.key === 'Enter') event.currentTarget.blur();
        event.stopPropagation();
      }}
    />
  );
}
