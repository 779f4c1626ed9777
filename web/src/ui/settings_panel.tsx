// The panel for system prompt, sampling and key. A field that is empty is not sent, so the
// model's own default holds.
import { useEffect, useRef } from 'preact/hooks';

import { defaultSettings, type Settings } from '../chat/request';
import { refreshModels } from '../store/models';
import { apiKey, setApiKey, settings } from '../store/settings';
import { settingsOpen } from '../store/view';
import { Icon } from './icons';

type NumberName = 'temperature' | 'topP' | 'maxTokens' | 'seed';

interface Field {
  name: NumberName;
  label: string;
  help: string;
  empty: string; // what holds without a value
  min: number;
  max: number;
  step: number;
}

const kFields: Field[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    help: '0 is always the likeliest word; higher is freer.',
    empty: 'model’s own',
    min: 0,
    max: 2,
    step: 0.1,
  },
  {
    name: 'topP',
    label: 'Top-p',
    help: 'Only the likeliest words that together reach this share.',
    empty: 'model’s own',
    min: 0.01,
    max: 1,
    step: 0.01,
  },
  {
    name: 'maxTokens',
    label: 'Max tokens',
    help: 'The most that one answer may have.',
    empty: 'no limit',
    min: 1,
    max: 1_000_000,
    step: 1,
  },
  {
    name: 'seed',
    label: 'Seed',
    help: 'The same seed gives the same answer.',
    empty: 'random',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
  },
];

const change = (part: Partial<Settings>) => (settings.value = { ...settings.value, ...part });

/** What was typed, if it is a number that the field allows. */
function parseField(text: string, { min, max, step }: Field): number | null {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) return null;
  const inside = Math.min(max, Math.max(min, value));
  return step === 1 ? Math.round(inside) : inside;
}

function NumberField({ field }: { field: Field }) {
  const value = settings.value[field.name];
  return (
    <label class="field">
      <span class="field-name">{field.label}</span>
      <input
        type="number"
        inputMode="decimal"
        min={field.min}
        max={field.max}
        step={field.step}
        placeholder={field.empty}
        value={value ?? ''}
        onChange={(event) => {
          const next = parseField(event.currentTarget.value, field);
          event.currentTarget.value = next === null ? '' : String(next);
          change({ [field.name]: next });
        }}
      />
      <span class="help">{field.help}</span>
    </label>
  );
}

export function SettingsPanel() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = settingsOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = () => (settingsOpen.value = false);
  return (
    <dialog
      ref={dialog}
      class="settings"
      aria-label="Settings"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <form method="dialog">
        <header>
          <h2>Settings</h2>
          <button type="submit" class="tool" aria-label="Close settings" title="Close">
            <Icon name="close" />
          </button>
        </header>
        <label class="field wide">
          <span class="field-name">System prompt</span>
          <textarea
            rows={4}
            placeholder="How the model should behave, in every chat"
            value={settings.value.system}
            onInput={(event) => change({ system: event.currentTarget.value })}
          />
        </label>
        <div class="field-grid">
          {kFields.map((field) => (
            <NumberField key={field.name} field={field} />
          ))}
        </div>
        <label class="field wide">
          <span class="field-name">API key</span>
          <input
            type="password"
            autocomplete="off"
            placeholder="none"
            value={apiKey.value}
            onChange={(event) => {
              setApiKey(event.currentTarget.value.trim());
              void refreshModels();
            }}
          />
          <span class="help">
            Only where the server asks for one. Forgotten when this tab closes.
          </span>
        </label>
        <footer>
          <button type="button" class="button" onClick={() => (settings.value = defaultSettings)}>
            Reset
          </button>
          <button type="submit" class="button primary">
            Done
          </button>
        </footer>
      </form>
    </dialog>
  );
}
