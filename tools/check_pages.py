#!/usr/bin/env python3
"""Builds the pages of web/ anew and compares them with web/dist byte for byte; runs their tests.
usage: check_pages.py [--update]      --update replaces web/dist"""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys

from steps import CACHE, ROOT
from wheel_tools import program


def npm(*arguments, folder, node):
    cli = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    environment = {**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}",
                   "npm_config_cache": str(CACHE / "npm")}
    subprocess.run([str(node), str(cli), *arguments], cwd=folder, env=environment, check=True)


def differences(built, committed):
    def files(folder):
        return {p.relative_to(folder): p for p in folder.rglob("*") if p.is_file()}
    a, b = files(built), files(committed)
    for name in sorted(a.keys() | b.keys()):
        if name not in b:
            yield f"web/dist lacks {name}"
        elif name not in a:
            yield f"web/dist/{name} is not built any more"
        elif not filecmp.cmp(a[name], b[name], shallow=False):
            yield f"web/dist/{name} differs from what web/ builds"


def main():
    work = CACHE / "pages"
    shutil.rmtree(work, ignore_errors=True)
    # A copy of what git tracks, so that neither old outputs nor local packages can help.
    listed = subprocess.run(["git", "ls-files", "-z", "web"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith("web/dist/") and (ROOT / name).exists():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    node, web = program("node"), work / "web"
    npm("ci", "--no-audit", "--no-fund", folder=web, node=node)
    npm("run", "build", folder=web, node=node)
    npm("run", "test", "--if-present", folder=web, node=node)
    committed = ROOT / "web/dist"
    if "--update" in sys.argv[1:]:
        shutil.rmtree(committed, ignore_errors=True)
        shutil.copytree(web / "dist", committed)
    found = list(differences(pathlib.Path(web, "dist"), committed))
    print("\n".join(found) or "web/dist is what web/ builds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
