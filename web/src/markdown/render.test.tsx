import { renderToString } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';

import { parse, withCaret } from './parse';
import { Markdown } from './render';

const html = (text: string, live = false) =>
  renderToString(<Markdown text={text} live={live} />)
    .replace(/^<div class="markdown">/, '')
    .replace(/<\/div>$/, '');

describe('Markdown', () => {
  it('renders emphasis, code, lists and quotes', () => {
    expect(html('a **b** *c* ~~d~~ `e`')).toBe(
      '<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code></p>',
    );
    expect(html('3. x\n4. y\n   - z')).toBe(
      '<ol start="3"><li>x</li><li>y<ul><li>z</li></ul></li></ol>',
    );
    expect(html('> a\n>\n> b')).toBe('<blockquote><p>a</p><p>b</p></blockquote>');
    expect(html('- [x] done')).toContain('<input type="checkbox" disabled checked');
  });

  it('keeps single line ends', () => {
    expect(html('a\nb')).toBe('<p>a<br/>b</p>');
  });

  it("puts headings below the page's own", () => {
    expect(html('# a\n## b\n##### c')).toBe('<h2>a</h2><h3>b</h3><h4>c</h4>');
  });

  it('renders tables with their alignment', () => {
    const table = html('| a | b |\n|:--|--:|\n| 1<br>2 | `3` |');
    expect(table).toContain('<th class="align-left" scope="col">a</th>');
    expect(table).toContain(
      '<td class="align-left">1<br/>2</td><td class="align-right"><code>3</code></td>',
    );
  });

  it('labels code with its language and keeps the code exact', () => {
    const code = html('```cpp title="x"\nif (a < b && c) // "d"\n```');
    expect(code).toContain('<span>C++</span>');
    expect(code.replace(/<[^>]+>/g, '')).toContain('if (a &lt; b &amp;&amp; c) // &quot;d&quot;');
    expect(html('```\nplain')).toContain('<span>text</span>');
    expect(html('```brainfuck\n+')).toContain('<span>brainfuck</span>');
  });

  it('decodes character references outside code only', () => {
    expect(html('a&nbsp;&amp; b &lt;i&gt; &#x41;&#66; &nothing; &constructor; &#0;')).toBe(
      '<p>a\u00a0&amp; b &lt;i> AB &amp;nothing; &amp;constructor; \ufffd</p>',
    );
    expect(html('`&amp;`')).toBe('<p><code>&amp;amp;</code></p>');
  });
});

describe('Markdown from an attacker', () => {
  it('shows HTML as text', () => {
    for (const text of [
      '<script>alert(1)</script>',
      'a <img src=x onerror=alert(1)> b',
      '<div onclick="x">\n\n**b**\n\n</div>',
      '<svg/onload=alert(1)>',
      '<!-- --><iframe src="//x">',
      '| <style>*{}</style> |\n|-|\n| <object> |',
      '&lt;script&gt;alert(1)&lt;/script&gt;',
      '```html\n<script>\n```',
    ]) {
      expect(html(text)).not.toMatch(/<(script|img|div on|svg\/|iframe|style|object)/);
    }
  });

  it('links to nothing but http, https and mailto', () => {
    for (const address of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'java&#115;cript:alert(1)',
      '&#1;javascript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      '/v1/models',
      '//evil.example',
      '#x',
      'blob:x',
    ]) {
      expect(html(`[click](${address})`)).not.toContain('href');
      expect(html(`[click](<${address}>)`)).not.toContain('href');
    }
    expect(html('<javascript:alert(1)>')).not.toContain('href');
    expect(html('[a](https://a.example/?x=1&amp;y=2)')).toBe(
      '<p><a href="https://a.example/?x=1&amp;y=2" target="_blank" rel="noopener noreferrer nofollow">a</a></p>',
    );
    expect(html('me@a.example')).toContain('href="mailto:me@a.example"');
  });

  it('never loads an image, because its address could carry the chat away', () => {
    expect(html('![photo](https://a.example/?secret)')).toBe(
      '<p><a href="https://a.example/?secret" target="_blank" rel="noopener noreferrer nofollow">photo</a></p>',
    );
  });

  it('survives any nesting', () => {
    for (const text of [
      '>'.repeat(300),
      '>'.repeat(20_000),
      '- '.repeat(5000),
      '['.repeat(20_000),
      '*a '.repeat(20_000),
      '**'.repeat(500),
      `${'`'.repeat(3000)}`,
      '|-'.repeat(10_000),
    ]) {
      expect(html(text).length).toBeGreaterThan(0);
      expect(html(text, true).length).toBeGreaterThan(0);
    }
    expect(html('> '.repeat(300) + 'deep').match(/<blockquote>/g)!.length).toBeLessThan(30);
  });
});

describe('a streaming answer', () => {
  const document =
    '# T\n\nA *b* `c`\n\n- x\n  - y **z**\n\n1. one\n\n   two\n\n> q\n\n| a |\n|-|\n| b |\n\n---\n\n```js\nlet x = 1;\n```\n\nend';

  it('has exactly one caret after every prefix', () => {
    for (let n = 0; n <= document.length; n++) {
      expect(html(document.slice(0, n), true).match(/class="caret"/g)).toHaveLength(1);
    }
  });

  it('has the caret right behind the last word', () => {
    const caret = '<span class="caret" aria-hidden="true"></span>';
    expect(html('a **b**', true)).toBe(`<p>a <strong>b</strong>${caret}</p>`);
    expect(html('- a\n  - b', true)).toBe(`<ul><li>a<ul><li>b${caret}</li></ul></li></ul>`);
    expect(html('```\nx', true)).toContain(`x${caret}</code>`);
    expect(html('', true)).toBe(caret);
  });

  it('leaves the tokens of the parser as they were', () => {
    const tokens = parse(document);
    const before = JSON.stringify(tokens);
    withCaret(tokens);
    expect(JSON.stringify(tokens)).toBe(before);
  });
});
