// Contrast of text by WCAG 2.2, 1.4.3, for both themes.
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const blockAfter = (selector: string) => {
  const start = css.indexOf('{', css.indexOf(`${selector} {`));
  const pairs = css.slice(start, css.indexOf('}', start)).matchAll(/--([\w-]+):\s*([^;]+);/g);
  return new Map([...pairs].map(([, name, value]) => [name!, value!]));
};

/** Relative luminance of "#rrggbb". */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(color.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

const kPairs: [string, string[]][] = [
  ['text', ['bg', 'sidebar', 'surface', 'bubble', 'hover', 'danger-soft', 'code-bg']],
  ['muted', ['bg', 'sidebar', 'surface', 'hover', 'danger-soft', 'code-bg']],
  ['accent', ['bg', 'surface']],
  ['on-accent', ['accent']],
  ['danger', ['bg', 'surface', 'hover', 'danger-soft']],
  ...['comment', 'string', 'number', 'keyword', 'function'].map((kind): [string, string[]] => [
    `hl-${kind}`,
    ['code-bg'],
  ]),
];

describe('the colours', () => {
  const dark = blockAfter(":root[data-theme='dark']");
  for (const [name, theme] of [
    ['light', blockAfter(':root')],
    ['dark', dark],
  ] as const) {
    it(`of the ${name} theme have a contrast of at least 4.5`, () => {
      for (const [text, grounds] of kPairs) {
        for (const ground of grounds) {
          const value = contrast(theme.get(text)!, theme.get(ground)!);
          expect(value, `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    });
  }

  it('of the dark theme are the same by the system and by choice', () => {
    expect(blockAfter(":root:not([data-theme='light'])")).toEqual(dark);
  });
});
