import { describe, expect, it } from 'vitest';

import { highlight } from './highlight';
import { languageOf } from './languages';

const marked = (code: string, info: string) =>
  highlight(code, languageOf(info))
    .filter(({ kind }) => kind !== null)
    .map(({ kind, text }) => `${kind}:${text}`);

describe('highlight', () => {
  it('never changes the text', () => {
    const odd =
      'a"b\'c`d # e // f -- g /* h */ <!-- i --> 0x1F 1e9 $x _y né 日本 \\ """ \'\'\' \n\r\t';
    for (const info of [
      'c',
      'py',
      'rust',
      'sh',
      'sql',
      'html',
      'json',
      'yaml',
      'make',
      'other',
      '',
    ]) {
      for (let n = 0; n <= odd.length; n++) {
        const cut = odd.slice(0, n);
        expect(
          highlight(cut, languageOf(info))
            .map(({ text }) => text)
            .join(''),
        ).toBe(cut);
      }
    }
  });

  it('knows comments, strings, numbers, keywords and calls', () => {
    expect(marked('return f("a\\"b", 0x1F); // done', 'cpp')).toEqual([
      'keyword:return',
      'function:f',
      'string:"a\\"b"',
      'number:0x1F',
      'comment:// done',
    ]);
    expect(marked('def f(x): """doc\n# no"""  # yes', 'Python')).toEqual([
      'keyword:def',
      'function:f',
      'string:"""doc\n# no"""',
      'comment:# yes',
    ]);
    expect(marked('select COUNT(*) -- all', 'sql')).toEqual([
      'keyword:select',
      'keyword:COUNT',
      'comment:-- all',
    ]);
  });

  it('does not take a lifetime, a # inside a word or a word with digits for something else', () => {
    expect(marked("&'a str x1 'c'", 'rust')).toEqual(['keyword:str', "string:'c'"]);
    expect(marked('echo a#b $#', 'bash')).toEqual([]);
  });

  it('colours nothing in an unknown language', () => {
    expect(marked('if "x" 1', 'klingon')).toEqual([]);
    expect(languageOf(' C++ {.x}').label).toBe('C++');
    expect(languageOf('__proto__').label).toBe('__proto__');
  });

  it('takes time linear in the text', () => {
    const start = performance.now();
    for (const unit of ['"', '/*', "'", '`', '#', '-', 'a ', '0', '<!--', '"""', '\\']) {
      for (const info of ['c', 'py', 'sql', 'html', 'sh'])
        highlight(unit.repeat(20_000), languageOf(info));
    }
    expect(performance.now() - start).toBeLessThan(4000);
  });
});
