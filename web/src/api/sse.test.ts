import { describe, expect, it } from 'vitest';

import { readEvents, SseParser } from './sse';

const stream = (pieces: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

async function collect(pieces: Uint8Array[]) {
  const events: string[] = [];
  for await (const event of readEvents(stream(pieces))) events.push(event);
  return events;
}

describe('SseParser', () => {
  it('gives the data of whole events only', () => {
    const parser = new SseParser();
    expect(parser.push('data: one\n\ndata: tw')).toEqual(['one']);
    expect(parser.push('o\n')).toEqual([]);
    expect(parser.push('\n')).toEqual(['two']);
  });

  it('joins the data lines of one event and takes one space from each', () => {
    expect(new SseParser().push('data:  a\ndata:b\ndata\n\n')).toEqual([' a\nb\n']);
  });

  it('ignores comments, names, ids and events without data', () => {
    expect(new SseParser().push(': ping\n\nevent: x\nid: 1\nretry: 5\n\ndata: y\n\n')).toEqual([
      'y',
    ]);
  });

  it('ends lines at LF, CR and CRLF, however the pieces are cut', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const text = `\ufeffdata: one${end}data: 1${end}${end}: c${end}data: two${end}${end}`;
      for (let size = 1; size <= text.length; size++) {
        const parser = new SseParser();
        const events: string[] = [];
        for (let i = 0; i < text.length; i += size)
          events.push(...parser.push(text.slice(i, i + size)));
        // A lone CR at the very end may still be half of a CRLF, but ends the line either way.
        expect(events).toEqual(['one\n1', 'two']);
      }
    }
  });
});

describe('readEvents', () => {
  it('joins a character whose bytes come in different pieces', async () => {
    const bytes = new TextEncoder().encode('data: né 日本 🏁\n\n');
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(await collect([bytes.slice(0, cut), bytes.slice(cut)])).toEqual(['né 日本 🏁']);
    }
  });

  it('drops an event that the end of the stream cut off', async () => {
    expect(await collect([new TextEncoder().encode('data: a\n\ndata: b\n')])).toEqual(['a']);
  });

  it('cancels the body when its reader leaves', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => void (cancelled = true),
    });
    for await (const event of readEvents(body)) {
      expect(event).toBe('x');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
