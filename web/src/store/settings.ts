// The person's choices: sampling, system prompt, key, theme.
import { effect, signal } from '@preact/signals';

import type { Settings } from '../chat/request';
import { parseSettings, read, write } from './storage';

export const settings = signal<Settings>(parseSettings(read('settings')));

/** Kept for this tab only: a key should not outlive the visit on a shared machine. */
export const apiKey = signal(readKey());

export type Theme = 'system' | 'light' | 'dark';
const stored = read('theme');
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

function readKey(): string {
  try {
    return sessionStorage.getItem('overtake.key') ?? '';
  } catch {
    return '';
  }
}

export function setApiKey(key: string) {
  apiKey.value = key;
  try {
    sessionStorage.setItem('overtake.key', key);
  } catch {
    // Forbidden storage: the key lives as long as the page.
  }
}

/** Writes each change to storage and the theme to the page. Called once. */
export function watchSettings() {
  effect(() => void write('settings', JSON.stringify(settings.value)));
  effect(() => {
    const root = document.documentElement;
    if (theme.value === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme.value;
    write('theme', theme.value === 'system' ? null : theme.value);
    const background = getComputedStyle(root).getPropertyValue('--bg').trim();
    document.querySelector('meta[name=theme-color]')?.setAttribute('content', background);
  });
}
