// One message of the chat: a question that can be edited, or an answer with what can be done to it.
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Answer, Chat, Message } from '../chat/chat';
import { versions } from '../chat/chat';
import { promptText, statsParts } from '../chat/stats';
import { Markdown } from '../markdown/render';
import { addQuestion, answer as answerAgain } from '../store/answers';
import { findChat, showVersionIn } from '../store/chats';
import { fitHeight, isSendKey } from './composer';
import { CopyButton } from './copy_button';
import { FailureCard } from './failure_card';
import { Icon } from './icons';
import { pure } from './pure';

interface Props {
  chatId: string;
  message: Message;
  nVersions: number; // of this message; a change of it must render the switch again
}

export const MessageView = pure(({ chatId, message, nVersions }: Props) =>
  message.answer ? (
    <AnswerView chatId={chatId} message={message} answer={message.answer} nVersions={nVersions} />
  ) : (
    <Question chatId={chatId} message={message} nVersions={nVersions} />
  ),
);

/** "2 / 3" with arrows to the versions before and after. */
function VersionSwitch({ chatId, message }: { chatId: string; message: Message }) {
  const chat: Chat | undefined = findChat(chatId);
  const all = chat ? versions(chat, message) : [];
  if (all.length < 2) return null;
  const at = all.findIndex(({ id }) => id === message.id);
  const step = (by: number, label: string, icon: 'left' | 'right') => (
    <button
      type="button"
      class="tool"
      aria-label={label}
      title={label}
      disabled={!all[at + by]}
      onClick={() => showVersionIn(chatId, all[at + by]!.id)}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <span class="versions">
      {step(-1, 'Version before', 'left')}
      <span>
        {at + 1} / {all.length}
      </span>
      {step(1, 'Version after', 'right')}
    </span>
  );
}

function Question({ chatId, message }: Props) {
  const [editing, setEditing] = useState(false);
  if (editing) return <Editor chatId={chatId} message={message} done={() => setEditing(false)} />;
  return (
    <article class="question" aria-label="You">
      <div class="bubble">{message.text}</div>
      <div class="tools">
        <VersionSwitch chatId={chatId} message={message} />
        <CopyButton text={message.text} what="message" />
        <button
          type="button"
          class="tool"
          aria-label="Edit message"
          title="Edit message"
          onClick={() => setEditing(true)}
        >
          <Icon name="edit" />
        </button>
      </div>
    </article>
  );
}

function Editor({ chatId, message, done }: { chatId: string; message: Message; done: () => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!area.current) return;
    fitHeight(area.current);
    area.current.focus();
    area.current.setSelectionRange(message.text.length, message.text.length);
  }, []);
  const submit = () => {
    const text = area.current?.value ?? '';
    if (text.trim() === '') return;
    done();
    addQuestion(chatId, message.parent, text);
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={area}
        aria-label="Edit message"
        defaultValue={message.text}
        onInput={(event) => fitHeight(event.currentTarget)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            done();
          } else if (isSendKey(event)) {
            event.preventDefault();
            submit();
          }
        }}
      />
      <div class="editor-buttons">
        <button type="button" class="button" onClick={done}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          Send
        </button>
      </div>
    </form>
  );
}

/** Why an answer ended early, where it did so without an error. */
function endNote({ state, finishReason }: Answer): string | null {
  if (state === 'stopped') return 'Stopped.';
  if (state !== 'done') return null;
  if (finishReason === 'length')
    return 'The token limit ended this answer. The settings can raise it.';
  return finishReason === 'content_filter' ? 'A content filter ended this answer.' : null;
}

function AnswerView({ chatId, message, answer }: Props & { answer: Answer }) {
  const live = answer.state === 'streaming';
  const note = endNote(answer);
  const retry = () => message.parent !== null && void answerAgain(chatId, message.parent);
  return (
    <article
      class={`answer${live ? ' live' : ''}`}
      aria-label={`Answer of ${answer.model}`}
      aria-busy={live}
    >
      {answer.reasoning !== '' && (
        <details class="reasoning" open={live && message.text === ''}>
          <summary>Reasoning</summary>
          <div>{answer.reasoning}</div>
        </details>
      )}
      {(message.text !== '' || live) && <Markdown text={message.text} live={live} />}
      {note && <p class="note">{note}</p>}
      {answer.failure && <FailureCard failure={answer.failure} retry={retry} />}
      <div class="tools">
        {!live && (
          <>
            {message.text !== '' && <CopyButton text={message.text} what="answer" />}
            {!answer.failure && (
              <button
                type="button"
                class="tool"
                aria-label="Answer again"
                title="Answer again"
                onClick={retry}
              >
                <Icon name="retry" />
              </button>
            )}
            <VersionSwitch chatId={chatId} message={message} />
          </>
        )}
        <Stats answer={answer} />
      </div>
    </article>
  );
}

function Stats({ answer: { model, stats } }: { answer: Answer }) {
  const parts = stats && (stats.completionTokens > 0 || stats.counted) ? statsParts(stats) : [];
  return (
    <span class="stats" title={stats && promptText(stats)}>
      <span>
        {[model, ...parts].map((part) => (
          <span>{part}</span>
        ))}
      </span>
    </span>
  );
}
