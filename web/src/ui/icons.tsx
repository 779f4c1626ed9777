// The page's own icons, drawn on a grid of 24 with one stroke width.
import type { SVGAttributes } from 'preact';

const paths = {
  plus: 'M12 5v14M5 12h14',
  sidebar: 'M4 5.5h16v13H4zM9.5 5.5v13',
  send: 'M12 19V6M6 11.5 12 5.5l6 6',
  copy: 'M9 9h10v10H9zM15 9V5H5v10h4',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  retry: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 4v4.2h-4.2',
  edit: 'm14.5 6 3.5 3.5L9 18.5l-4.2.7.7-4.2zM12.7 7.8l3.5 3.5',
  trash: 'M5 7h14M10 7V5h4v2M7 7l.8 12h8.4L17 7M10.5 11v4.5M13.5 11v4.5',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  down: 'm7 10 5 5 5-5',
  arrowDown: 'M12 5v13M6 12.5l6 6 6-6',
  left: 'm14 7-5 5 5 5',
  right: 'm10 7 5 5-5 5',
  download: 'M12 5v10M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14',
  close: 'm6.5 6.5 11 11M17.5 6.5l-11 11',
  sliders:
    'M4 8h9M18.5 8H20M4 16h1.5M11 16h9M15.7 5.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM8.3 13.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1',
  moon: 'M19.5 14.2A7.8 7.8 0 0 1 9.8 4.5a7.8 7.8 0 1 0 9.7 9.7z',
  system: 'M4 5.5h16v10.5H4zM9 19.5h6M12 16v3.5',
  alert: 'M12 8.5v4.5M12 16h.01M12 3.8 21 19.5H3z',
} as const;

export type IconName = keyof typeof paths | 'stop';

export function Icon({ name, ...rest }: { name: IconName } & SVGAttributes<SVGSVGElement>) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" {...rest}>
      {name === 'stop' ? (
        <rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" stroke="none" />
      ) : (
        <path d={paths[name]} />
      )}
    </svg>
  );
}

/** Overtake's mark: one arrow passing another. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path class="mark-behind" d="M6 8l8 8-8 8" />
      <path class="mark-ahead" d="M16 5l11 11-11 11" />
    </svg>
  );
}
