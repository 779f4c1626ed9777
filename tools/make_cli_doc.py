#!/usr/bin/env python3
"""Writes docs/cli.md from the program's own help. usage: make_cli_doc.py BINARY [--check]
--check writes nothing and fails where the file is not what the program says."""
import pathlib
import re
import subprocess
import sys

from steps import ROOT

TARGET = ROOT / "docs/cli.md"
TEXT = """# Command line

Written by `tools/make_cli_doc.py` from the program's own help; `make test` compares the two.

MODEL is everywhere the name of a model in the store (absent: `smollm2`), the path of a GGUF file, or
a folder as Hugging Face has it (`config.json` and `*.safetensors`). A name wins over a path of the
same spelling; write `./NAME` for the path.

Exit codes: 0 done, 1 failed, 2 wrong usage. Errors go to standard error as
`overtake: WHAT; WHERE; WHAT TO DO`.

## Settings

| variable | meaning |
|---|---|
| `OVERTAKE_HOME` | where models lie; default `~/.local/share/overtake` |
| `OVERTAKE_ISA` | `scalar`, `avx2`, `avxvnni`, `avx512` or `amx`; default the strongest that the processor has |
| `OVERTAKE_THREADS` | compute threads; default the processors that this process may use |
| `NO_COLOR` | any value: no colours |

## overtake

```
%s
```
"""


def help_of(binary, *command):
    return subprocess.run([binary, *command, "--help"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def page(binary):
    overview = help_of(binary)
    text = TEXT % overview
    for name in re.findall(r"^  ([a-z]+) {2,}", overview.split("Subcommands:")[1], re.M):
        text += f"\n## overtake {name}\n\n```\n{help_of(binary, name)}\n```\n"
    return re.sub(r"[ ]+$", "", text, flags=re.M)


def main():
    text = page(str(pathlib.Path(sys.argv[1]).resolve()))
    if "--check" not in sys.argv[2:]:
        TARGET.write_text(text)
        return 0
    same = TARGET.exists() and TARGET.read_text() == text
    print("docs/cli.md is what the program says" if same else
          "docs/cli.md differs from the program's help; run: tools/make_cli_doc.py build/overtake")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
