// Copies a text and says so for a moment.
import { useRef, useState } from 'preact/hooks';

import { Icon } from './icons';

async function copy(text: string) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without TLS, on another machine of the network, browsers offer only the old way.
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser refused to copy');
}

/** `what` names the text to people who cannot see what is next to the button. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const run = async () => {
    await copy(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 1600);
  };
  return (
    <button
      type="button"
      class="tool"
      onClick={run}
      title={`Copy ${what}`}
      aria-label={copied ? 'Copied' : `Copy ${what}`}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  );
}
