// Markdown becomes marked's tokens (CommonMark and GFM). Only marked's lexer is used: its HTML
// renderer is never called, so no text of a model ever passes through an HTML parser.
import { Lexer, type Token, type TokensList } from 'marked';

export type { Token, Tokens } from 'marked';

/** The token that marks where a streaming answer ends; see withCaret. */
export const kCaret = 'caret';

/** Single line ends break lines, as in every chat: models write verses and addresses so. */
export function parse(text: string): Token[] {
  try {
    const tokens: TokensList = new Lexer({ gfm: true, breaks: true }).lex(text);
    return tokens;
  } catch {
    // Thousands of nested quotes overflow the lexer's stack; such a text is shown as it is.
    return [{ type: 'code', raw: text, text, lang: '' }];
  }
}

type Inner = Token & { tokens?: Token[]; items?: Token[]; rows?: { tokens: Token[] }[][] };

/** Appends the caret to the innermost last place of `tokens`, in which the next text will appear. */
export function withCaret(tokens: Token[]): Token[] {
  const caret: Token = { type: kCaret, raw: '' };
  const end = tokens.findLastIndex((token) => token.type !== 'space');
  const last = tokens[end] as Inner | undefined;
  if (!last || last.type === 'hr') return [...tokens, caret];
  return [...tokens.slice(0, end), caretInside(last, caret)];
}

function caretInside(token: Inner, caret: Token): Token {
  if (token.type === 'code') return { ...token, caret: true } as Token;
  if (token.items) {
    const items = token.items.slice(0, -1);
    const item = token.items.at(-1) as Inner;
    return {
      ...token,
      items: [...items, { ...item, tokens: withCaret(item.tokens ?? []) }],
    } as Token;
  }
  if (token.type === 'table') return { ...token, caret: true } as Token;
  if (token.type === 'blockquote')
    return { ...token, tokens: withCaret(token.tokens ?? []) } as Token;
  if (token.tokens) return { ...token, tokens: [...token.tokens, caret] } as Token;
  return { ...token, tokens: [{ ...token }, caret], type: 'paragraph' } as Token;
}
