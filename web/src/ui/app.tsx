// The whole page: sidebar, header, chat, message box.
import { useEffect } from 'preact/hooks';

import { stop } from '../store/answers';
import { current, newChat } from '../store/chats';
import { focusComposer, narrow, setSidebar, settingsOpen, sidebarOpen } from '../store/view';
import { Composer } from './composer';
import { EmptyState, Starters } from './empty_state';
import { Header } from './header';
import { SettingsPanel } from './settings_panel';
import { Sidebar } from './sidebar';
import { ToastView } from './toast_view';
import { Transcript } from './transcript';

function onKey(event: KeyboardEvent) {
  if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
    event.preventDefault();
    newChat();
    focusComposer();
  }
  // An open menu or panel takes Escape for itself.
  const taken = settingsOpen.value || document.querySelector('[popover]:popover-open') !== null;
  if (event.key !== 'Escape' || taken) return;
  if (narrow.value && sidebarOpen.value) setSidebar(false);
  else if (current.value) stop(current.value.id);
}

export function App() {
  useEffect(() => {
    addEventListener('keydown', onKey);
    focusComposer();
    return () => removeEventListener('keydown', onKey);
  }, []);
  const title = current.value?.title;
  useEffect(() => void (document.title = title ? `${title} · Overtake` : 'Overtake'), [title]);

  const drawer = narrow.value && sidebarOpen.value;
  return (
    <div class={`app${sidebarOpen.value ? '' : ' sidebar-closed'}`}>
      <Sidebar />
      {drawer && <div class="scrim" onClick={() => setSidebar(false)} />}
      <main class={current.value ? '' : 'new'} inert={drawer}>
        <Header />
        {current.value ? <Transcript /> : <EmptyState />}
        <div class="bottom">
          <Composer />
          {!current.value && <Starters />}
          {current.value && <p class="caution">Models make mistakes. Check what matters.</p>}
        </div>
      </main>
      <SettingsPanel />
      <ToastView />
    </div>
  );
}
