// Markdown tokens become Preact elements. No string is ever parsed as HTML, images are not loaded
// (their address could carry the chat away), and links lead only to http, https and mailto.
import { Component, type ComponentChildren, type VNode } from 'preact';

import { CodeBlock } from './code_block';
import { kCaret, parse, type Token, type Tokens, withCaret } from './parse';
import { decodeReferences, safeAddress } from './text';

/** Deeper nesting is shown as its source; a page of a thousand nested quotes is an attack. */
const kMaxDepth = 24;

export const Caret = () => <span class="caret" aria-hidden="true" />;

/** `live`: more text is coming, so a caret stands at the end. */
export function Markdown({ text, live = false }: { text: string; live?: boolean }) {
  const tokens = parse(text);
  const shown = live ? withCaret(tokens) : tokens;
  const last = shown.length - 1;
  return (
    <div class="markdown">
      {shown.map((token, i) => (
        <Block key={i} token={token} live={live && i === last} />
      ))}
    </div>
  );
}

// Blocks above the one that grows have the same source as a frame ago and are not touched again:
// a long answer stays cheap, and what the reader has selected in it stays selected.
class Block extends Component<{ token: Token; live: boolean }> {
  override shouldComponentUpdate(next: { token: Token; live: boolean }) {
    return next.live || this.props.live || next.token.raw !== this.props.token.raw;
  }

  override render() {
    return <>{block(this.props.token, 0)}</>;
  }
}

function blocks(tokens: Token[] | undefined, depth: number): ComponentChildren {
  return tokens?.map((token) => block(token, depth)) ?? null;
}

function block(token: Token, depth: number): ComponentChildren {
  if (depth > kMaxDepth) return token.raw;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      return heading(token as Tokens.Heading, depth);
    case 'paragraph':
      return <p>{inlines((token as Tokens.Paragraph).tokens, depth)}</p>;
    case 'code': {
      const { text, lang, caret } = token as Tokens.Code & { caret?: boolean };
      return <CodeBlock text={text} info={lang ?? ''} live={caret === true} />;
    }
    case 'blockquote':
      return <blockquote>{blocks((token as Tokens.Blockquote).tokens, depth + 1)}</blockquote>;
    case 'list':
      return list(token as Tokens.List, depth);
    case 'table':
      return table(token as Tokens.Table & { caret?: boolean }, depth);
    case 'hr':
      return <hr />;
    default:
      return inline(token, depth);
  }
}

function heading(token: Tokens.Heading, depth: number): VNode {
  const content = inlines(token.tokens, depth);
  // The page has its own h1, and levels below h4 differ in nothing that a reader sees.
  if (token.depth <= 1) return <h2>{content}</h2>;
  return token.depth === 2 ? <h3>{content}</h3> : <h4>{content}</h4>;
}

function list(token: Tokens.List, depth: number): VNode {
  const items = token.items.map((item) => (
    <li class={item.task ? 'task' : undefined}>{blocks(item.tokens, depth + 1)}</li>
  ));
  if (!token.ordered) return <ul>{items}</ul>;
  return <ol start={token.start === '' ? undefined : token.start}>{items}</ol>;
}

function table(token: Tokens.Table & { caret?: boolean }, depth: number): VNode {
  const cell = (content: Tokens.TableCell, header: boolean) => {
    const align = content.align ? `align-${content.align}` : undefined;
    const inner = inlines(content.tokens, depth);
    return header ? (
      <th class={align} scope="col">
        {inner}
      </th>
    ) : (
      <td class={align}>{inner}</td>
    );
  };
  return (
    <>
      <div class="table" tabIndex={0} role="group" aria-label="Table">
        <table>
          <thead>
            <tr>{token.header.map((content) => cell(content, true))}</tr>
          </thead>
          <tbody>
            {token.rows.map((row) => (
              <tr>{row.map((content) => cell(content, false))}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {token.caret && <Caret />}
    </>
  );
}

function inlines(tokens: Token[] | undefined, depth: number): ComponentChildren {
  return tokens?.map((token) => inline(token, depth)) ?? null;
}

function inline(token: Token, depth: number): ComponentChildren {
  if (depth > kMaxDepth) return token.raw;
  const inner = () => inlines((token as Tokens.Strong).tokens, depth + 1);
  switch (token.type) {
    case 'text':
      return 'tokens' in token ? inner() : decodeReferences((token as Tokens.Text).text);
    case 'escape':
      return (token as Tokens.Escape).text;
    case 'strong':
      return <strong>{inner()}</strong>;
    case 'em':
      return <em>{inner()}</em>;
    case 'del':
      return <del>{inner()}</del>;
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>;
    case 'br':
      return <br />;
    case 'checkbox':
      return <input type="checkbox" disabled checked={(token as Tokens.Checkbox).checked} />;
    case 'link':
      return link((token as Tokens.Link).href, inner());
    case 'image': {
      const { href, text } = token as Tokens.Image;
      return link(href, decodeReferences(text) || href);
    }
    case kCaret:
      return <Caret />;
    case 'html':
      // The one element that models write inside tables, where Markdown has no line break.
      return /^<br\s*\/?>$/i.test(token.raw.trim()) ? <br /> : token.raw;
    default:
      return token.raw;
  }
}

function link(href: string, content: ComponentChildren): ComponentChildren {
  const address = safeAddress(decodeReferences(href));
  if (address === null) return content;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {content}
    </a>
  );
}
