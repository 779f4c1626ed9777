// The two small things that stand between a token's text and the page: character references and
// the addresses that a link may lead to.

// Name and character in turn. Splitting at " " leaves a no-break space whole.
const kReferences = (
  'amp & lt < gt > quot " apos \' nbsp \u00a0 shy \u00ad ndash – mdash — hellip … lsquo ‘ rsquo ’ ' +
  'ldquo “ rdquo ” laquo « raquo » bull • middot · deg ° times × divide ÷ plusmn ± minus − ne ≠ ' +
  'le ≤ ge ≥ asymp ≈ infin ∞ radic √ sum ∑ pi π micro µ larr ← rarr → uarr ↑ darr ↓ check ✓ ' +
  'euro € pound £ yen ¥ cent ¢ copy © reg ® trade ™ sect § frac12 ½ sup2 ² sup3 ³'
).split(' ');

function characterOf(name: string): string | undefined {
  const at = kReferences.indexOf(name);
  return at % 2 === 0 ? kReferences[at + 1] : undefined;
}

/** Replaces the character references that models write; unknown ones stay as they are. */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z][a-zA-Z\d]{1,7}));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return characterOf(name) ?? whole;
      const code = decimal !== undefined ? parseInt(decimal, 10) : parseInt(hex!, 16);
      const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
      return valid ? String.fromCodePoint(code) : '\ufffd';
    },
  );
}

/** The address where it is absolute and harmless; null for javascript: and the like. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
}
