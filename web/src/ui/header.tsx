// Above the chat: which model answers, the theme, the settings.
import { chooseModel, model, models, modelsFailure, modelsLoaded } from '../store/models';
import { newChat } from '../store/chats';
import { type Theme, theme } from '../store/settings';
import { focusComposer, setSidebar, settingsOpen, sidebarOpen } from '../store/view';
import { Icon, type IconName } from './icons';
import { Menu } from './menu';

const kThemes: { value: Theme; label: string; icon: IconName }[] = [
  { value: 'system', label: 'Like the system', icon: 'system' },
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
];

function ModelPicker() {
  if (models.value.length === 0) {
    const text = modelsFailure.value
      ? 'Not connected'
      : modelsLoaded.value
        ? 'No model'
        : 'Connecting…';
    return <span class="model-none">{text}</span>;
  }
  const items = models.value.map((name) => ({
    label: name,
    checked: name === model.value,
    run: () => chooseModel(name),
  }));
  return (
    <Menu label={`Model: ${model.value}`} class="model-picker" items={items}>
      <span>{model.value}</span>
      <Icon name="down" />
    </Menu>
  );
}

export function Header() {
  const shown = kThemes.find(({ value }) => value === theme.value) ?? kThemes[0]!;
  return (
    <header class="header">
      {!sidebarOpen.value && (
        <>
          <button
            type="button"
            class="tool"
            aria-label="Open sidebar"
            title="Open sidebar"
            onClick={() => setSidebar(true)}
          >
            <Icon name="sidebar" />
          </button>
          <button
            type="button"
            class="tool"
            aria-label="New chat"
            title="New chat"
            onClick={() => {
              newChat();
              focusComposer();
            }}
          >
            <Icon name="plus" />
          </button>
        </>
      )}
      <ModelPicker />
      <span class="spring" />
      <Menu
        label={`Theme: ${shown.label}`}
        class="tool"
        items={kThemes.map(({ value, label, icon }) => ({
          label,
          icon,
          checked: value === theme.value,
          run: () => (theme.value = value),
        }))}
      >
        <Icon name={shown.icon} />
      </Menu>
      <button
        type="button"
        class="tool"
        aria-label="Settings"
        title="Settings"
        onClick={() => (settingsOpen.value = true)}
      >
        <Icon name="sliders" />
      </button>
    </header>
  );
}
