// Starts the page.
import { render } from 'preact';

import { watchChats } from './store/chats';
import { refreshModels } from './store/models';
import { watchSettings } from './store/settings';
import './style/tokens.css';
import './style/base.css';
import './style/layout.css';
import './style/sidebar.css';
import './style/composer.css';
import './style/message.css';
import './style/markdown.css';
import './style/panels.css';
import { App } from './ui/app';

watchSettings();
watchChats();
void refreshModels();
// The server may have been restarted with other models meanwhile.
addEventListener('focus', () => void refreshModels());
render(<App />, document.getElementById('app')!);
