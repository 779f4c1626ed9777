#!/usr/bin/env python3
"""Checks that tracked C++ files are as .clang-format wants them. usage: check_format.py [--fix]"""
import os
import subprocess
import sys

from steps import ROOT
from wheel_tools import program


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "*.cc", "*.h"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    files = [f for f in listed.split("\0") if f and (ROOT / f).exists()]
    options = ["-i"] if "--fix" in sys.argv[1:] else ["--dry-run", "--Werror", "--ferror-limit=3"]
    formatter = [str(program("clang-format")), *options]
    n = os.cpu_count() or 1
    parts = [files[i::n] for i in range(n) if files[i::n]]
    running = [subprocess.Popen([*formatter, *part], cwd=ROOT) for part in parts]
    bad = sum(process.wait() != 0 for process in running)
    print(f"{len(files)} files " + ("need `make format`" if bad else "are formatted"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
