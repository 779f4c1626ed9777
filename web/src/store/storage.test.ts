import { describe, expect, it } from 'vitest';

import type { Chat } from '../chat/chat';
import { defaultSettings } from '../chat/request';
import { chatIdOf, parseChat, parseSettings } from './storage';

const chat: Chat = {
  id: 'c',
  title: 'T',
  updated: 5,
  leaf: 'a',
  messages: [
    { id: 'q', parent: null, text: 'hi' },
    {
      id: 'a',
      parent: 'q',
      text: 'hello',
      answer: {
        model: 'm',
        state: 'done',
        reasoning: '',
        finishReason: 'stop',
        stats: { completionTokens: 1, counted: true },
        failure: { title: 't', advice: 'a', actions: ['retry'] },
      },
    },
  ],
};

describe('a stored chat', () => {
  it('comes back as it was', () => {
    expect(parseChat(JSON.stringify(chat))).toEqual(chat);
  });

  it('shows an answer that the end of the page cut off as stopped', () => {
    const text = JSON.stringify(chat).replace('"done"', '"streaming"');
    expect(parseChat(text)!.messages[1]!.answer!.state).toBe('stopped');
  });

  it('never breaks the page, however it is damaged', () => {
    const text = JSON.stringify(chat);
    for (let n = 0; n < text.length; n++) expect(parseChat(text.slice(0, n))).toBeNull();
    for (const bad of ['null', '7', '[]', '{}', '{"id":"c"}', '{"id":7,"messages":[]}']) {
      expect(parseChat(bad)).toBeNull();
    }
    const odd = {
      id: 'c',
      leaf: 'gone',
      messages: [null, 7, {}, { id: 'q', text: 'hi', parent: 7, answer: 'x' }],
    };
    expect(parseChat(JSON.stringify(odd))).toEqual({
      id: 'c',
      title: 'Chat',
      updated: 0,
      leaf: 'q',
      messages: [{ id: 'q', parent: null, text: 'hi' }],
    });
  });

  it('forgets the parts of an answer that are not what they should be', () => {
    const bad = {
      state: 7,
      model: {},
      stats: { completionTokens: 1, firstTokenMs: 'x' },
      failure: { actions: ['x', 'retry'] },
    };
    const text = JSON.stringify({ id: 'c', messages: [{ id: 'a', text: '', answer: bad }] });
    expect(parseChat(text)!.messages[0]!.answer).toEqual({
      model: '',
      state: 'stopped',
      reasoning: '',
      stats: { completionTokens: 1, counted: false },
      failure: { title: 'The answer failed', advice: '', actions: ['retry'] },
    });
  });

  it('is known by its name in storage', () => {
    expect(chatIdOf('overtake.chat.x')).toBe('x');
    expect(chatIdOf('overtake.theme')).toBeNull();
    expect(chatIdOf(null)).toBeNull();
  });
});

describe('stored settings', () => {
  it('fall back to the defaults field by field', () => {
    for (const bad of [null, '', '{', '7', 'null'])
      expect(parseSettings(bad)).toEqual(defaultSettings);
    expect(parseSettings('{"temperature":0,"seed":"x","system":7,"topP":null}')).toEqual({
      ...defaultSettings,
      temperature: 0,
      topP: null,
    });
  });
});
