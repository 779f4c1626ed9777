// What of the page is open, apart from the chat itself.
import { signal } from '@preact/signals';

import { read, write } from './storage';

const phone = matchMedia('(max-width: 760px)');

/** The page is narrow: the sidebar is a drawer over the chat. */
export const narrow = signal(phone.matches);
export const sidebarOpen = signal(!phone.matches && read('sidebar') !== 'closed');
export const settingsOpen = signal(false);
/** Counts up whenever the message box should take the focus. */
export const focusRequests = signal(0);

phone.addEventListener('change', () => {
  narrow.value = phone.matches;
  sidebarOpen.value = !phone.matches && read('sidebar') !== 'closed';
});

export function setSidebar(open: boolean) {
  sidebarOpen.value = open;
  if (!narrow.value) write('sidebar', open ? null : 'closed');
}

/** After a choice in the sidebar: a drawer has done its work. */
export function leaveSidebar() {
  if (narrow.value) sidebarOpen.value = false;
}

/** Touch keyboards should open only when the person asks for them. */
export function focusComposer() {
  if (matchMedia('(hover: hover)').matches) focusRequests.value++;
}
