// A fenced block: its language, a button that copies it, and its text in colours.
import { CopyButton } from '../ui/copy_button';
import { highlight } from './highlight';
import { languageOf } from './languages';

export function CodeBlock({ text, info, live }: { text: string; info: string; live: boolean }) {
  const language = languageOf(info);
  return (
    <figure class="code">
      <figcaption>
        <span>{language.label}</span>
        <CopyButton text={text} what="code" />
      </figcaption>
      <pre tabIndex={0}>
        <code>
          {highlight(text, language).map(({ kind, text: piece }) =>
            kind === null ? piece : <span class={`hl-${kind}`}>{piece}</span>,
          )}
          {live && <span class="caret" aria-hidden="true" />}
        </code>
      </pre>
    </figure>
  );
}
