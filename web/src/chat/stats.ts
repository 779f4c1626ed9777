// Speed of an answer as the person at the page met it: measured here, counted by the server.
import type { Usage } from '../api/types';
import type { AnswerStats } from './chat';

export class Stopwatch {
  private readonly sent: number;
  private first: number | null = null;
  private last = 0;
  private pieces = 0;
  private usage: Usage | null = null;

  constructor(private readonly now: () => number) {
    this.sent = now();
  }

  /** A piece of text or reasoning has come: one token, usually. */
  piece() {
    this.last = this.now();
    this.first ??= this.last;
    this.pieces++;
  }

  count(usage: Usage) {
    this.usage = usage;
  }

  stats(): AnswerStats {
    const completionTokens = this.usage?.completion_tokens ?? this.pieces;
    const stats: AnswerStats = { completionTokens, counted: this.usage !== null };
    if (this.usage) {
      const { prompt_tokens, prompt_tokens_details, cost_nano_usd } = this.usage;
      stats.promptTokens = prompt_tokens;
      if (prompt_tokens_details?.cached_tokens)
        stats.cachedTokens = prompt_tokens_details.cached_tokens;
      if (typeof cost_nano_usd === 'number') stats.costNanoUsd = cost_nano_usd;
    }
    if (this.first === null) return stats;
    stats.firstTokenMs = this.first - this.sent;
    // The first token's time belongs to the prompt. Under 20 ms the clock says nothing.
    const ms = this.last - this.first;
    if (completionTokens > 1 && ms >= 20)
      stats.tokensPerSecond = ((completionTokens - 1) * 1000) / ms;
    return stats;
  }
}

const plural = (n: number, what: string) =>
  `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** "$1.50", or three digits of what is less than a dollar: "$0.00123". */
export function costText(nanoUsd: number): string {
  const usd = nanoUsd / 1e9;
  if (usd <= 0) return '$0';
  const decimals = Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(usd))));
  return `$${usd.toFixed(decimals)}`;
}

/** What was read for an answer, for the tip over its line. */
export function promptText({ promptTokens, cachedTokens }: AnswerStats): string | undefined {
  if (promptTokens === undefined) return undefined;
  const cached = cachedTokens ? `, ${cachedTokens.toLocaleString('en')} of them cached` : '';
  return `${plural(promptTokens, 'token')} read${cached}`;
}

/** The parts of the line below an answer. */
export function statsParts(stats: AnswerStats): string[] {
  const parts = [`${stats.counted ? '' : '~'}${plural(stats.completionTokens, 'token')}`];
  if (stats.tokensPerSecond !== undefined) {
    const speed = stats.tokensPerSecond;
    parts.push(
      `${speed < 100 ? speed.toFixed(1) : Math.round(speed).toLocaleString('en')} tokens/s`,
    );
  }
  if (stats.firstTokenMs !== undefined) {
    const ms = stats.firstTokenMs;
    parts.push(
      `${ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`} to first token`,
    );
  }
  if (stats.costNanoUsd !== undefined) parts.push(costText(stats.costNanoUsd));
  return parts;
}
