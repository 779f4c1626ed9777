// The messages of the shown chat. It stays at the end while an answer grows, until the reader
// scrolls up; then it stays where the reader is.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { versions } from '../chat/chat';
import { answeringHere } from '../store/answers';
import { current, currentBranch } from '../store/chats';
import { Icon } from './icons';
import { MessageView } from './message';

const kNearEndPx = 60;

export function Transcript() {
  const chat = current.value;
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const follow = useRef(true);
  const [away, setAway] = useState(false);
  const nMessages = chat?.messages.length ?? 0;

  const toEnd = (behavior: ScrollBehavior) => {
    const element = scroller.current;
    element?.scrollTo({ top: element.scrollHeight, behavior });
  };

  useLayoutEffect(() => {
    // Another chat, or a new message in this one.
    follow.current = true;
    setAway(false);
    toEnd('instant');
  }, [chat?.id, nMessages]);
  useEffect(() => {
    // The answer grows, the window turns, the message box takes another line.
    const observer = new ResizeObserver(() => follow.current && toEnd('instant'));
    if (scroller.current) observer.observe(scroller.current);
    if (column.current) observer.observe(column.current);
    return () => observer.disconnect();
  }, [chat?.id]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.clientHeight - element.scrollTop;
    if (element.scrollTop < lastTop.current - 2 && left > 2) follow.current = false;
    else if (left < kNearEndPx) follow.current = true;
    lastTop.current = element.scrollTop;
    setAway(!follow.current && left > kNearEndPx);
  };

  if (!chat) return null;
  return (
    <div class="transcript-frame">
      <div ref={scroller} class="transcript" onScroll={onScroll} tabIndex={-1}>
        {/* Another chat is another log, or a screen reader would read all of it aloud. */}
        <div
          ref={column}
          key={chat.id}
          class="column"
          role="log"
          aria-live="polite"
          aria-label="Chat"
        >
          <h1 class="hidden">{chat.title}</h1>
          {currentBranch.value.map((message) => (
            <MessageView
              key={message.id}
              chatId={chat.id}
              message={message}
              nVersions={versions(chat, message).length}
            />
          ))}
        </div>
      </div>
      {away && (
        <button
          type="button"
          class="to-end"
          aria-label="To the end"
          title="To the end"
          onClick={() => {
            follow.current = answeringHere.value;
            toEnd('smooth');
          }}
        >
          <Icon name="arrowDown" />
        </button>
      )}
    </div>
  );
}
