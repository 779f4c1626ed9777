#!/usr/bin/env python3
"""Checks who includes whom: a folder of src/ sees lower floors and itself, and a header of ours
includes no third-party header. No two headers give types of one namespace the same name: the linker
would keep one's destructor for both. usage: check_floors.py [SOURCE_FOLDER]"""
import pathlib
import re
import sys

FLOORS = [["base"], ["parallel", "net", "store"], ["tensor"], ["format"],
          ["token", "catalog", "licence"], ["model"], ["engine"], ["wire", "eval"],
          ["train", "provider", "policy"], ["audit"], ["server", "web"], ["cli"]]
FLOOR = {folder: i for i, folders in enumerate(FLOORS) for folder in folders}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.M)
TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?!::|\w)[^;{]*\{", re.M)
ALLOWED_IN_HEADERS = {"nlohmann/json_fwd.hpp", "immintrin.h", "unistd.h", "fcntl.h", "signal.h"}


def violations(root):
    for path in sorted([*root.rglob("*.h"), *root.rglob("*.cc")]):
        where = path.relative_to(root)
        if len(where.parts) == 1:
            continue  # main.cc sees everything
        folder = where.parts[0]
        if folder not in FLOOR:
            yield f"{where}: src/{folder} stands on no floor; name one in tools/check_floors.py"
            continue
        for kind, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            top = target.split("/")[0]
            if kind == '"' and top != folder and FLOOR.get(top, 99) >= FLOOR[folder]:
                yield f"{where}: includes \"{target}\", which is not on a lower floor"
            third_party = kind == "<" and ("/" in target or "." in target)
            for_tests = path.name.endswith("_test_support.h")  # included by *_test.cc alone
            if (path.suffix == ".h" and third_party and not for_tests
                    and not path.name.endswith(".inl.h")
                    and target not in ALLOWED_IN_HEADERS
                    and not target.startswith(("sys/", "linux/"))):
                yield f"{where}: a header includes the third-party header <{target}>"


def same_names(root):
    first = {}  # header of each (namespace, name)
    for path in sorted(root.rglob("*.h")):
        if path.name.endswith(".inl.h"):
            continue  # each includer puts it into a namespace of its own
        text = path.read_text(encoding="utf-8")
        namespaces = NAMESPACE.findall(text)
        for name in TYPE.findall(text):
            where = first.setdefault((tuple(namespaces[:1]), name), path)
            if where != path:
                yield (f"{path.relative_to(root)}: {name} is also the name of a type in "
                       f"{where.relative_to(root)}; rename one")


def main():
    default = pathlib.Path(__file__).parent.parent / "src"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    found = [*violations(root), *same_names(root)]
    for line in found:
        print(line)
    print(f"floors: {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
