#!/usr/bin/env python3
"""clang-tidy on the C++ files that differ from the main branch; says so where it is not installed."""
import shutil
import subprocess
import sys

from steps import ROOT


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout


def changed_files():
    base = git("merge-base", "HEAD", "main").strip() or "HEAD"
    names = git("diff", "--name-only", "--diff-filter=d", base).split()
    names += git("ls-files", "--others", "--exclude-standard").split()
    return sorted({n for n in names if n.endswith(".cc") and n.startswith("src/")})


def main():
    if not shutil.which("clang-tidy"):
        print("clang-tidy is not installed (apt-get install clang-tidy): not run")
        return 0
    files = changed_files()
    if not files:
        print("clang-tidy: no C++ file has changed")
        return 0
    folder = ROOT / "build"
    subprocess.run(["cmake", "--preset", "release", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], cwd=ROOT,
                   check=True, stdout=subprocess.DEVNULL)
    return subprocess.run(["clang-tidy", "--quiet", "-p", folder, *files], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
