// What tells languages apart for the eye: their comments, strings and keywords.

export interface Language {
  label: string;
  comments: RegExp | null;
  strings: RegExp | null;
  keywords: Set<string>;
  ignoreCase: boolean;
}

const words = (text: string) => new Set(text.trim().split(/\s+/));

const kC = `
  alignas auto bool break case catch char class const constexpr continue default delete do
  double else enum explicit export extern false final float for friend goto if inline int long
  mutable namespace new noexcept nullptr operator override private protected public return short
  signed sizeof static struct switch template this throw true try typedef typename union
  unsigned using virtual void volatile while`;
const kScript = `
  abstract as async await boolean break case catch class const continue debugger default delete
  do else enum export extends false finally for from function get if implements import in
  instanceof interface let new null number of private protected public readonly return set
  static string super switch this throw true try type typeof undefined var void while yield`;
const kPython = `
  False None True and as assert async await break class continue def del elif else except
  finally for from global if import in is lambda match nonlocal not or pass raise return self
  try while with yield`;
const kRust = `
  as async await bool break const continue crate dyn else enum extern f32 f64 false fn for i32
  i64 if impl in let loop match mod move mut pub ref return self Self static str String struct
  super trait true type u32 u64 u8 unsafe use usize where while`;
const kGo = `
  any bool break byte case chan const continue default defer else error fallthrough false
  float64 for func go goto if import int interface map nil package range return rune select
  string struct switch true type var`;
const kJava = `
  abstract assert boolean break byte case catch char class const continue data default do double
  else enum extends false final finally float for fun if implements import instanceof int
  interface internal is long namespace new null object override package private protected public
  readonly record return sealed short static string super switch synchronized this throw throws
  true try using val var void volatile when while`;
const kShell = `
  case do done elif else esac export fi for function if in local read return set shift then
  until while`;
const kSql = `
  add all alter and as asc avg between by case count create cross delete desc distinct drop else
  end exists from full group having in index inner insert into is join key left like limit max
  min not null on or order outer primary references right select set sum table then union unique
  update values view when where with`;
const kRuby = `
  alias and begin break case class def do else elsif end ensure false for if in module next nil
  not or puts redo require rescue retry return self super then true undef unless until when
  while yield function local`;

const kSlash = /\/\/.*|\/\*[^]*?(?:\*\/|$)/y;
const kHash = /(?<![^\s;])#.*/y;
const kDashes = /--.*|\/\*[^]*?(?:\*\/|$)/y;
const kMarkup = /<!--[^]*?(?:-->|$)/y;
const kQuotes = /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\[^])*`?/y;
const kApostrophe = /"(?:[^"\\]|\\[^])*"?|'(?:[^'\\\n]|\\.)'/y; // Rust: 'a is a lifetime
const kTriple = /"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?/y;
const kAttribute = /"[^"<]*"?/y;
const kLong = /"(?:[^"\\]|\\[^])*"?|'[^']*'?/y; // shell: strings run over lines

function language(
  label: string,
  comments: RegExp | null,
  strings: RegExp | null,
  keywords: string,
) {
  return { label, comments, strings, keywords: words(keywords), ignoreCase: keywords === kSql };
}

const kPlain: Language = language('text', null, null, '');
const kLanguages: [string, Language][] = [
  ['c h', language('C', kSlash, kQuotes, kC)],
  ['cpp c++ cc cxx hpp', language('C++', kSlash, kQuotes, kC)],
  ['cs csharp c#', language('C#', kSlash, kQuotes, kJava)],
  ['java', language('Java', kSlash, kQuotes, kJava)],
  ['kotlin kt', language('Kotlin', kSlash, kTriple, kJava)],
  ['js javascript jsx mjs node', language('JavaScript', kSlash, kQuotes, kScript)],
  ['ts typescript tsx', language('TypeScript', kSlash, kQuotes, kScript)],
  ['go golang', language('Go', kSlash, kQuotes, kGo)],
  ['rs rust', language('Rust', kSlash, kApostrophe, kRust)],
  ['swift', language('Swift', kSlash, kTriple, `${kRust} func var guard init nil protocol`)],
  ['php', language('PHP', kSlash, kQuotes, `${kScript} echo foreach array`)],
  ['py python python3', language('Python', kHash, kTriple, kPython)],
  ['rb ruby', language('Ruby', kHash, kQuotes, kRuby)],
  ['lua', language('Lua', kDashes, kQuotes, kRuby)],
  ['sh bash shell zsh console shellsession', language('Shell', kHash, kLong, kShell)],
  ['sql sqlite postgres postgresql mysql', language('SQL', kDashes, kLong, kSql)],
  ['json jsonc json5', language('JSON', kSlash, kQuotes, 'true false null')],
  ['yaml yml', language('YAML', kHash, kTriple, 'true false null yes no')],
  ['toml ini', language('TOML', kHash, kTriple, 'true false')],
  ['css scss', language('CSS', kSlash, kQuotes, 'important inherit initial none auto var')],
  ['html xml svg', language('HTML', kMarkup, kAttribute, '')],
  [
    'dockerfile docker',
    language(
      'Dockerfile',
      kHash,
      kQuotes,
      'FROM RUN CMD COPY ADD ENV ARG WORKDIR EXPOSE ENTRYPOINT USER VOLUME LABEL AS',
    ),
  ],
  ['make makefile cmake', language('Makefile', kHash, null, 'ifeq ifneq else endif include')],
];
const kByName = new Map(kLanguages.flatMap(([names, it]) => names.split(' ').map((n) => [n, it])));

/** The language that the line after the fence names. */
export function languageOf(info: string): Language {
  const name = /^[^\s{,]*/.exec(info.trim())?.[0] ?? '';
  return (
    kByName.get(name.toLowerCase()) ?? (name ? { ...kPlain, label: name.slice(0, 24) } : kPlain)
  );
}
