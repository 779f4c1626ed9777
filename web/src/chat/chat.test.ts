import { describe, expect, it } from 'vitest';

import {
  append,
  branch,
  type Chat,
  type Message,
  showVersion,
  titleOf,
  toMarkdown,
  versions,
} from './chat';
import { messagesOf, requestOf } from './request';
import { Stopwatch, costText, promptText, statsParts } from './stats';

const empty: Chat = { id: 'c', title: 't', updated: 0, messages: [], leaf: null };
const user = (id: string, parent: string | null, text = id): Message => ({ id, parent, text });
const answer = (id: string, parent: string, text = id): Message => ({
  id,
  parent,
  text,
  answer: { model: 'm', state: 'done', reasoning: '' },
});
const ids = (messages: Message[]) => messages.map((message) => message.id).join(' ');
const grow = (...messages: Message[]) => messages.reduce(append, empty);

describe('a chat', () => {
  const retried = grow(user('q1', null), answer('a1', 'q1'), user('q2', 'a1'), answer('a2', 'q1'));

  it('keeps the first answer and what followed it when an answer is retried', () => {
    expect(ids(branch(retried))).toBe('q1 a2');
    expect(ids(versions(retried, retried.messages[3]!))).toBe('a1 a2');
    expect(ids(branch(showVersion(retried, 'a1')))).toBe('q1 a1 q2');
  });

  it('keeps the first question when it is edited', () => {
    const edited = append(retried, user('q1b', null));
    expect(ids(branch(edited))).toBe('q1b');
    expect(ids(branch(showVersion(edited, 'q1')))).toBe('q1 a2');
  });

  it('shows something of a damaged tree and never loops', () => {
    const loop: Chat = { ...empty, messages: [user('a', 'b'), user('b', 'a')], leaf: 'a' };
    expect(ids(branch(loop))).toBe('b a');
    expect(ids(branch({ ...empty, messages: [user('a', 'gone')], leaf: 'a' }))).toBe('a');
    showVersion(loop, 'a');
  });

  it('is exported as it is shown', () => {
    expect(toMarkdown(retried)).toBe('# t\n\n## You\n\nq1\n\n## m\n\na2\n');
  });

  it('takes its title from the first line, cut between words', () => {
    expect(titleOf('  Why is the\tsky blue?\nReally.')).toBe('Why is the sky blue?');
    expect(titleOf('word '.repeat(40))).toBe('word word word word word word word word word…');
    expect(titleOf('x'.repeat(100))).toBe(`${'x'.repeat(48)}…`);
    expect(titleOf('\n')).toBe('New chat');
  });
});

describe('a request', () => {
  it('leaves out empty answers and joins the questions around them', () => {
    const failed = [user('1', null, 'one'), answer('2', '1', ''), user('3', '2', 'two')];
    expect(messagesOf(failed, ' ')).toEqual([{ role: 'user', content: 'one\n\ntwo' }]);
  });

  it('says only what the settings say', () => {
    const messages = [user('1', null, 'hi')];
    const cleared = { system: '', temperature: null, topP: null, maxTokens: null, seed: null };
    expect(requestOf(messages, 'm', cleared)).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
    });
    const settings = { system: 'Be brief.', temperature: 0, topP: 0.9, maxTokens: 7, seed: 0 };
    expect(requestOf(messages, 'm', settings)).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      temperature: 0,
      top_p: 0.9,
      max_tokens: 7,
      seed: 0,
    });
  });
});

describe('the speed of an answer', () => {
  it("is the server's count over the time between first and last piece", () => {
    let now = 1000;
    const watch = new Stopwatch(() => now);
    now += 250;
    watch.piece();
    now += 1000;
    watch.piece();
    expect(statsParts(watch.stats())).toEqual([
      '~2 tokens',
      '1.0 tokens/s',
      '250 ms to first token',
    ]);
    watch.count({ prompt_tokens: 5, completion_tokens: 41 });
    expect(statsParts(watch.stats())).toEqual([
      '41 tokens',
      '40.0 tokens/s',
      '250 ms to first token',
    ]);
  });

  it('says what an answer cost and what it read', () => {
    const watch = new Stopwatch(() => 5);
    watch.count({
      prompt_tokens: 1200,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: 400 },
      cost_nano_usd: 1_234_567,
    });
    expect(statsParts(watch.stats())).toEqual(['2 tokens', '$0.00123']);
    expect(promptText(watch.stats())).toBe('1,200 tokens read, 400 of them cached');
    watch.count({ prompt_tokens: 1, completion_tokens: 2 });
    expect(statsParts(watch.stats())).toEqual(['2 tokens']);
    expect(promptText(watch.stats())).toBe('1 token read');
    expect([0, 500, 250e6, 12_345_678_901].map(costText)).toEqual([
      '$0',
      '$0.000000500',
      '$0.250',
      '$12.35',
    ]);
  });

  it('is not claimed for one token or for a burst', () => {
    const watch = new Stopwatch(() => 5);
    expect(statsParts(watch.stats())).toEqual(['~0 tokens']);
    watch.piece();
    watch.piece();
    expect(statsParts(watch.stats())).toEqual(['~2 tokens', '0 ms to first token']);
  });
});
