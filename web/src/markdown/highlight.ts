// Colours for code: comments, strings, numbers, keywords and names of functions. One scanner for
// all languages, because readers need the shape of the code and not a grammar of each.
import type { Language } from './languages';

export type Kind = 'comment' | 'string' | 'number' | 'keyword' | 'function';

export interface Piece {
  kind: Kind | null;
  text: string;
}

const kWord = /[A-Za-z_$][\w$]*/y;
const kNumber = /(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\w*/y;
const kSpace = /[^\w"'`#/<$-]+/y;

/** Cuts `text` into pieces whose texts together are `text`. */
export function highlight(text: string, { comments, strings, ...language }: Language): Piece[] {
  if (!comments && !strings && language.keywords.size <= 1) return [{ kind: null, text }];
  const pieces: Piece[] = [];
  const scanners: [RegExp | null, Kind | null][] = [
    [comments, 'comment'],
    [strings, 'string'],
    [kWord, 'keyword'],
    [kNumber, 'number'],
    [kSpace, null],
  ];
  const add = (kind: Kind | null, piece: string) => {
    const last = pieces.at(-1);
    if (kind === null && last?.kind === null) last.text += piece;
    else pieces.push({ kind, text: piece });
  };
  for (let at = 0; at < text.length;) {
    const [piece, kind] = scan(text, at, scanners);
    at += piece.length;
    add(kind === 'keyword' ? kindOfWord(piece, text, at, language) : kind, piece);
  }
  return pieces;
}

function scan(
  text: string,
  at: number,
  scanners: [RegExp | null, Kind | null][],
): [string, Kind | null] {
  for (const [scanner, kind] of scanners) {
    if (!scanner) continue;
    scanner.lastIndex = at;
    const piece = scanner.exec(text)?.[0];
    if (piece) return [piece, kind];
  }
  return [text[at]!, null];
}

function kindOfWord(
  word: string,
  text: string,
  end: number,
  { keywords, ignoreCase }: Pick<Language, 'keywords' | 'ignoreCase'>,
): Kind | null {
  if (keywords.has(ignoreCase ? word.toLowerCase() : word)) return 'keyword';
  return text[end] === '(' ? 'function' : null;
}
