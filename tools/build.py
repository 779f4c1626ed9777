#!/usr/bin/env python3
"""Configures (the first time) and builds with Ninja. usage: build.py PRESET TARGET..."""
import json
import os
import subprocess
import sys

from steps import ROOT


def binary_folder(preset):
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    found = [p for p in presets if p["name"] == preset and "binaryDir" in p]
    return found[0]["binaryDir"].replace("${sourceDir}", str(ROOT))


def main():
    preset, targets = sys.argv[1], sys.argv[2:]
    folder = binary_folder(preset)
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        code = subprocess.run(["cmake", "--preset", preset], cwd=ROOT).returncode
        if code:
            return code
    jobs = os.environ.get("JOBS")
    return subprocess.run(["ninja", "-C", folder, *(["-j" + jobs] if jobs else []), *targets],
                          cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
