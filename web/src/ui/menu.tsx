// A button that opens a list of actions or choices. The browser's popover keeps it above all else
// and closes it on Escape and on a click elsewhere.
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';

import { Icon, type IconName } from './icons';

export interface MenuItem {
  label: string;
  icon?: IconName;
  checked?: boolean; // present on all items: one of them is the choice
  danger?: boolean;
  run: () => void;
}

interface Props {
  label: string;
  class: string;
  items: MenuItem[];
  children: ComponentChildren;
}

const kGapPx = 6;
const kMarginPx = 8;

/** Below the button, or above it where there is no room; always inside the window. */
function place(menu: HTMLElement, button: HTMLElement) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + kGapPx;
  const top = below + height > innerHeight - kMarginPx ? at.top - kGapPx - height : below;
  menu.style.left = `${Math.max(kMarginPx, Math.min(at.left, innerWidth - width - kMarginPx))}px`;
  menu.style.top = `${Math.max(kMarginPx, top)}px`;
}

function moveFocus(event: KeyboardEvent) {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll('button')];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const next = steps[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length)?.focus();
}

export function Menu({ label, class: className, items, children }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);

  const onToggle = (event: { newState: string }) => {
    const open = event.newState === 'open';
    button.current?.setAttribute('aria-expanded', String(open));
    if (!open || !menu.current || !button.current) return;
    place(menu.current, button.current);
    const start =
      menu.current.querySelector<HTMLElement>('[aria-checked=true]') ??
      menu.current.querySelector('button');
    start?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class={className}
        popovertarget={id}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded="false"
      >
        {children}
      </button>
      <div
        ref={menu}
        id={id}
        class="menu"
        role="menu"
        aria-label={label}
        popover="auto"
        onToggle={onToggle}
        onKeyDown={moveFocus}
      >
        {items.map((item) => (
          <button
            type="button"
            role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
            aria-checked={item.checked}
            class={item.danger ? 'danger' : undefined}
            onClick={() => {
              menu.current?.hidePopover();
              item.run();
            }}
          >
            {item.icon && <Icon name={item.icon} />}
            <span>{item.label}</span>
            {item.checked && <Icon name="check" class="icon choice" />}
          </button>
        ))}
      </div>
    </>
  );
}
