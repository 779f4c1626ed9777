// Server-sent events, as the WHATWG HTML standard parses them (section 9.2.6), from a byte stream:
// EventSource itself can only GET.

/** Takes text in pieces of any size and gives the data of every event that is complete. */
export class SseParser {
  private line = '';
  private data: string[] = [];
  private afterCarriageReturn = false;
  private started = false;

  push(text: string): string[] {
    const events: string[] = [];
    if (!this.started && text !== '') {
      this.started = true;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (c !== '\n' && c !== '\r') {
        this.afterCarriageReturn = false;
        continue;
      }
      // "\r\n" is one line end, even where a piece ends between the two.
      const secondHalf = c === '\n' && this.afterCarriageReturn;
      this.afterCarriageReturn = c === '\r';
      if (!secondHalf) {
        this.endLine(this.line + text.slice(start, i), events);
        this.line = '';
      }
      start = i + 1;
    }
    this.line += text.slice(start);
    return events;
  }

  private endLine(line: string, events: string[]) {
    if (line === '') {
      if (this.data.length > 0) events.push(this.data.join('\n'));
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== 'data') return; // comments, event names, ids and retry times say nothing here
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.data.push(value.startsWith(' ') ? value.slice(1) : value);
  }
}

/** The data of each event of `body`, which is cancelled when the reader leaves early. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined); // already closed or failed: nothing to cancel
  }
}
