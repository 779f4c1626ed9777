#!/usr/bin/env python3
"""Adding a file is the whole change: in a copy of the tree, an architecture, a quantization, an
endpoint and a provider are dropped in under new names, one file each; the copy must build and use
them.
usage: check_drop_in.py"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from steps import CACHE, ROOT

sys.path.insert(0, str(ROOT / "tests/end_to_end"))
import program  # noqa: E402
import small_model  # noqa: E402

COPY = CACHE / "drop_in"
# From an entry of a registry to one of another name: (file, new file, replacements).
ENTRIES = [
    ("src/model/arch/llama.cc", "src/model/arch/bittern.cc",
     [(r"\barch_llama\b", "arch_bittern"), (r'\{"llama", kModelTypes', '{"bittern", kModelTypes'),
      (r"kModelTypes\[\] = \{[^}]*\}", 'kModelTypes[] = {"bittern"}')]),
    ("src/tensor/quant/q4_1.cc", "src/tensor/quant/q4_x.cc",
     [(r"\bquant_q4_1\b", "quant_q4_x"), (r'"Q4_1"', '"Q4_X"'), (r"gguf_id = 3\b", "gguf_id = 1003")]),
    ("src/server/endpoint/healthz.cc", "src/server/endpoint/heartbeat.cc",
     [(r"\bendpoint_healthz\b", "endpoint_heartbeat"), (r'"/healthz"', '"/heartbeat"')]),
    ("src/provider/openai.cc", "src/provider/heron.cc",
     [(r"\bprovider_openai\b", "provider_heron"), (r'"openai"', '"heron"'),
      (r"OPENAI_", "HERON_")]),
]


def copy_tree():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    for old in COPY.iterdir() if COPY.exists() else []:
        if old.name != "build":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def drop_in():
    for source, target, replacements in ENTRIES:
        text = (COPY / source).read_text()
        for pattern, replacement in replacements:
            text, n = re.subn(pattern, replacement, text)
            if n == 0:
                sys.exit(f"{source}: nothing matches {pattern}; correct tools/check_drop_in.py")
        (COPY / target).write_text(text)


def build():
    environment = {**os.environ, "CMAKE_BUILD_PARALLEL_LEVEL": str(len(os.sched_getaffinity(0)))}
    subprocess.run(["cmake", "--preset", "release", "-DBUILD_TESTING=OFF"], cwd=COPY, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", "build", "overtake"], cwd=COPY, check=True, env=environment)


def logits(folder, name, **options):
    """The bytes of the logits of a small model."""
    path = os.path.join(folder, name + ".gguf")
    pathlib.Path(path).write_bytes(small_model.write(**options)[0])
    out = path + ".safetensors"
    done = program.run("logits", path, "--ids", "5,6,7", "--out", out)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    return pathlib.Path(out).read_bytes()


def main():
    copy_tree()
    drop_in()
    build()
    program.BINARY = str(COPY / "build/overtake")
    with tempfile.TemporaryDirectory() as folder:
        known = logits(folder, "known", matrix_type=3)
        if logits(folder, "architecture", arch="bittern", matrix_type=3) != known:
            sys.exit("the architecture under its new name computes something else")
        if logits(folder, "quantization", matrix_type=1003) != known:
            sys.exit("the quantization under its new name computes something else")
        with program.Server(os.path.join(folder, "known.gguf")) as server:
            if server.get("/heartbeat")[0] != 200:
                sys.exit("the endpoint under its new name is not served")
    asked = program.run("run", "heron/some-model", "hello")
    if "HERON_API_KEY is not set" not in asked.stderr:
        sys.exit(f"the provider under its new name is not asked: {asked.stderr}")
    print("an architecture, a quantization, an endpoint, a provider: one file each, built and used")
    return 0


if __name__ == "__main__":
    sys.exit(main())
