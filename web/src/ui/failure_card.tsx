// An error in the place where it happened, with the buttons that help.
import type { Failure, FailureAction } from '../api/errors';
import { newChat } from '../store/chats';
import { focusComposer, settingsOpen } from '../store/view';
import { Icon } from './icons';

const kLabels: Record<FailureAction, string> = {
  retry: 'Retry',
  newChat: 'New chat',
  settings: 'Settings',
};

/** What stands between backticks is a command. */
const withCode = (text: string) =>
  text.split('`').map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part));

export function FailureCard({ failure, retry }: { failure: Failure; retry: () => void }) {
  const run: Record<FailureAction, () => void> = {
    retry,
    newChat: () => {
      newChat();
      focusComposer();
    },
    settings: () => (settingsOpen.value = true),
  };
  return (
    <div class="failure" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{failure.title}</strong>
        <p>{withCode(failure.advice)}</p>
        {failure.detail && <p class="detail">{failure.detail}</p>}
        {failure.actions.length > 0 && (
          <div class="failure-actions">
            {failure.actions.map((action) => (
              <button type="button" class="button" onClick={run[action]}>
                {kLabels[action]}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
