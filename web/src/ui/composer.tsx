// The box in which a message is written. Enter sends, Shift+Enter starts a line; while the model
// answers, the button stops it and the next message can already be written.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { answeringHere, send, stop } from '../store/answers';
import { current } from '../store/chats';
import { model } from '../store/models';
import { focusRequests } from '../store/view';
import { Icon } from './icons';

/** As high as its text; the style sheet sets the most. */
export function fitHeight(area: HTMLTextAreaElement) {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight}px`;
}

/** Enter that is no part of composing a character (in Chinese or Japanese, say). */
export const isSendKey = (event: KeyboardEvent) =>
  event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;

const drafts = new Map<string, string>();

export function Composer() {
  const chatId = current.value?.id ?? '';
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  const answering = answeringHere.value;
  const ready = text.trim() !== '' && model.value !== '';

  useEffect(() => setText(drafts.get(chatId) ?? ''), [chatId]);
  useEffect(() => area.current?.focus({ preventScroll: true }), [focusRequests.value]);
  useLayoutEffect(() => {
    if (area.current) fitHeight(area.current);
  }, [text]);

  const change = (next: string) => {
    drafts.set(chatId, next);
    setText(next);
  };
  const submit = () => {
    if (!ready || answering) return;
    change('');
    send(text);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label="Message"
        placeholder={model.value === '' ? 'Waiting for a model' : `Message ${model.value}`}
        enterkeyhint="send"
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (!isSendKey(event)) return;
          event.preventDefault();
          submit();
        }}
      />
      {answering ? (
        <button
          type="button"
          class="send"
          aria-label="Stop the answer"
          title="Stop (Esc)"
          onClick={() => stop(chatId)}
        >
          <Icon name="stop" />
        </button>
      ) : (
        <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={!ready}>
          <Icon name="send" />
        </button>
      )}
    </form>
  );
}
