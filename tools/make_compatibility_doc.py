#!/usr/bin/env python3
"""Writes docs/compatibility.md from a run of every dialect with every provider (tests/pairs/).

usage: make_compatibility_doc.py BINARY [--check]
Runs with the official packages' environment, which tests/sdk/run.sh makes. Fails where anything
does not pass and is not refused either; --check: also where the file is not what the run gives."""
import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/compatibility.md"
PACKAGES = ROOT / ".cache/sdk-python/bin/python"

HEAD = """\
# Compatibility: dialects and models

Made by `tools/make_compatibility_doc.py` from a run of every dialect with every provider, plain and
streamed; `make test` runs it again and compares. Do not edit.

Each request goes through `overtake serve` to a simulator that answers in the vendor's own shapes
(`tests/simulator/`). What leaves is compared with what the client said and checked with the types
of the vendor's own Python package; what comes back is read as strictly as the strictest client
does.

- **yes**: it arrives, whole, and the answer comes back in the client's dialect.
- **left out**: it says nothing to the model, and the vendor has no place for it; of an answer, the
  dialect has none.
- **refused**: an error of the dialect names what can not be said, before anything is sent.
- **-**: the dialect has no words for it, or the vendor never answers so.

"openai" is asked by chat completions, and by Responses where only these can say it;
"openai-responses" are OpenAI's models that have nothing else. "compatible" are servers that speak
OpenAI's API (vLLM, SGLang, llama-server, another Overtake); "local" are models on this machine: for
these a refusal means that no local model does it yet. A vendor's model may still refuse what the
vendor's API can say.
"""
REASONING = """\
Reasoning is passed back to the vendor that it came from, with its signature; to others it is not
sent, except as plain text to servers that take it so (compatible, Ollama). Instructions that come
later in a conversation are put at the front where a vendor has one place for all. Vendors that do
not tell which stop string ended an answer leave that open for every client. That a tool has failed
is a mark of Anthropic's and Gemini's dialects; others have its words only.

What a text rests on (Anthropic's citations, OpenAI's annotations, Gemini's groundingMetadata) is
told in every dialect that has a place for pages and the part of the text that they are cited for;
Anthropic's cites whole blocks by marks of its own, which no other vendor gives, and Ollama's has no
place. To clients of the vendor's own dialect it comes as the vendor said it, and so do the blocks in
which its own tools tell what they did; those say nothing to others, who get the answer's text.
Tools that a vendor runs can be asked of that vendor only, OpenAI's in the dialect of the API that
runs them.
"""


def cell(result):
    return {None: "-", "passes": "yes"}.get(result, result)


def table(part, dialect, columns):
    rows = dict.fromkeys(name for each, name, _ in part if each == dialect)
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in rows:
        cells = [cell(part[dialect, name, column]) for column in columns]
        if set(cells) != {"-"}:
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def page(results, faults):
    requests, answers = results
    out = [HEAD]
    columns = list(dict.fromkeys(provider for _, _, provider in requests))
    columns.sort(key=lambda name: name != "local")
    for dialect in dict.fromkeys(each for each, _, _ in requests):
        out.append(f"## {dialect}\n\n### What its clients can ask\n\n"
                   + table(requests, dialect, columns) + "\n### What they get\n\n"
                   + table(answers, dialect, columns[1:]))
    out.append("## Notes\n\n" + REASONING)
    out.append("## Faults\n\n" + faults)
    return "\n".join(out)


def faults_text():
    from simulator import faults
    def words(names):
        return ", ".join(f"`{name}`" for name in names)
    return f"""\
Each of these comes from each provider, to a plain and to a streamed request of every dialect, in
the same run. Always an error of the dialect, in bounded time: {words(faults.BEFORE)}; within a stream:
{words(faults.WITHIN)}. An answer all the same: {words(faults.ODD)}; after another attempt:
{words(faults.ONCE)}. Then the server answers as before, and no request is left open.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if sys.executable != str(PACKAGES):
        os.execv(PACKAGES, [str(PACKAGES), __file__, *sys.argv[1:]])
    sys.path.insert(0, str(ROOT / "tests"))
    from pairs import faults, run
    results = run.run(options.binary.resolve())
    wrong = run.tell_wrong(results) + faults.tell_wrong(faults.run(options.binary.resolve()))
    if wrong:
        return 1
    text = page(results, faults_text())
    if not options.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        print(f"docs/compatibility.md is not what this run gives; run {__file__} {options.binary}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
