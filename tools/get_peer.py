#!/usr/bin/env python3
"""Builds llama.cpp's llama-bench and llama-batched-bench for this processor, from the sources in the
package llama-cpp-python, once, in .cache/. Prints the path of llama-bench.
usage: get_peer.py
The build uses all that the processor has. Where the compiler can not build llama.cpp's AMX code, or
what it built fails, the same is built without AMX, and the flags say so."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from steps import CACHE

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
FOLDER = CACHE / f"peer-{VERSION}"
TARGETS = ["llama-bench", "llama-batched-bench"]
# What each option needs of /proc/cpuinfo.
OPTIONS = {
    "GGML_AVX": ["avx"], "GGML_AVX2": ["avx2"], "GGML_FMA": ["fma"], "GGML_F16C": ["f16c"],
    "GGML_BMI2": ["bmi2"], "GGML_AVX_VNNI": ["avx_vnni"],
    "GGML_AVX512": ["avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"],
    "GGML_AVX512_VBMI": ["avx512vbmi"], "GGML_AVX512_VNNI": ["avx512_vnni"],
    "GGML_AVX512_BF16": ["avx512_bf16"],
}
AMX_OPTIONS = {"GGML_AMX_TILE": ["amx_tile"], "GGML_AMX_INT8": ["amx_int8"],
               "GGML_AMX_BF16": ["amx_bf16"]}


def processor_flags():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":")[1].split())
    return set()


def options_for(flags, amx):
    """Name -> whether it is on. With AVX-512, AVX-VNNI would only be a narrower second."""
    every = {**OPTIONS, **AMX_OPTIONS}
    chosen = {name: flags.issuperset(needs) and (amx or name not in AMX_OPTIONS)
              for name, needs in every.items()}
    chosen["GGML_AVX_VNNI"] &= not chosen["GGML_AVX512"]
    return chosen


def get_sources():
    """The package's own sources of llama.cpp, below FOLDER."""
    sources = FOLDER / "sources"
    if sources.exists():
        return sources
    with tempfile.TemporaryDirectory(dir=FOLDER) as work:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--no-binary=:all:", "--dest", work,
                        f"llama-cpp-python=={VERSION}"], check=True, stdout=sys.stderr)
        archive = next(pathlib.Path(work).glob("*.tar.gz"))
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            sys.exit(f"get_peer.py: llama-cpp-python {VERSION} is not the file that was checked "
                     "(SHA-256 differs); was it altered on the way?")
        with tarfile.open(archive) as package:
            package.extractall(work, filter="data")
        os.rename(next(pathlib.Path(work).glob("*/vendor/llama.cpp")), sources)
    return sources


def build(sources, options):
    """True if it was built. Its output is in FOLDER/build.log."""
    folder, jobs = FOLDER / "build", os.environ.get("JOBS")
    switches = [f"-D{name}={'ON' if on else 'OFF'}" for name, on in options.items()]
    commands = [
        ["cmake", "-S", sources, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DGGML_NATIVE=OFF", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF",
         "-DLLAMA_BUILD_TOOLS=ON", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_CURL=OFF", *switches],
        ["ninja", "-C", folder, *(["-j" + jobs] if jobs else []), *TARGETS]]
    with open(FOLDER / "build.log", "ab") as log:
        return all(subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                   .returncode == 0 for command in commands)


def works(model):
    """Whether what was built gets through a few tokens of `model`; none given: it starts."""
    command = [FOLDER / "build/bin/llama-bench", "--help"]
    if model:
        command = [FOLDER / "build/bin/llama-bench", "-m", model, "-p", "64", "-n", "2", "-r", "1"]
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def describe(options, amx_failed):
    on = [name.removeprefix("GGML_") for name, is_on in options.items() if is_on]
    compiler = subprocess.run(["c++", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    text = (f"llama.cpp as in llama-cpp-python {VERSION}, Release, "
            f"{compiler.stdout.splitlines()[0]}: {', '.join(on)}")
    return text + ("; its AMX code fails with this compiler" if amx_failed else "")


def get_peer(model=None):
    """(llama-bench, what it is and how it was built)"""
    done = FOLDER / "peer.json"
    program = FOLDER / "build/bin/llama-bench"
    if done.exists() and program.exists():
        return program, json.loads(done.read_text())["description"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    sources = get_sources()
    flags = processor_flags()
    has_amx = flags.issuperset(sum(AMX_OPTIONS.values(), []))
    for amx in [True, False] if has_amx else [False]:
        options = options_for(flags, amx)
        print(f"building llama.cpp{' with AMX' if amx else ''}: some minutes", file=sys.stderr,
              flush=True)
        if build(sources, options) and works(model):
            text = describe(options, has_amx and not amx)
            done.write_text(json.dumps({"description": text}))
            return program, text
    sys.exit(f"get_peer.py: llama.cpp could not be built; see {FOLDER}/build.log, or name another "
             "llama-bench: PEER_BENCH=PATH")


if __name__ == "__main__":
    if shutil.which("cmake") is None:
        sys.exit("get_peer.py: there is no cmake; run tools/install_packages.py run")
    print(get_peer()[0])
