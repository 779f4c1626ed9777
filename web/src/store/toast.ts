// One short notice at a time, with at most one thing to do about it.
import { signal } from '@preact/signals';

export interface Toast {
  text: string;
  action?: { label: string; run: () => void };
}

export const toast = signal<Toast | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export function showToast(text: string, action?: Toast['action']) {
  clearTimeout(timer);
  toast.value = { text, ...(action && { action }) };
  timer = setTimeout(hideToast, 6000);
}

export function hideToast() {
  clearTimeout(timer);
  toast.value = null;
}
