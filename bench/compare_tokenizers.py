#!/usr/bin/env python3
"""Times our tokenizers and Hugging Face's on the same text, one core each, and prints a table.

usage: compare_tokenizers.py build/bench_tokenizer NAME...      names of tests/fixtures' vocabularies
(ninja -C build bench_tokenizer; pip install tokenizers==0.23.3 sentencepiece==0.2.1 gguf==0.19.0;
tools/get_vocabularies.py --all .cache/vocabularies)
The text is the tests' megabyte. HF's is timed (encode_batch_fast) on the whole text, and on its lines in
one batch, with its parallelism off; the better counts. Ours takes the whole text. The
ids must agree before a time is printed.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/fixtures"))
import make_hf_tokenizer_fixtures as fixtures

ROUNDS = 5


def folder_of(name):
    for folder in (ROOT / "tests/data/tokenizers/hf" / name, ROOT / ".cache/vocabularies" / name):
        if folder.is_dir():
            return folder
    for folder in (ROOT / "tests/data/tokenizers", ROOT / ".cache/vocabularies"):
        if (folder / f"{name}.gguf").exists():
            return folder / f"{name}.gguf"
    sys.exit(f"no vocabulary {name}")


def seconds(run):
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def main():
    program, *names = sys.argv[1:]
    os.sched_setaffinity(0, {0})
    text = "\n".join(fixtures.blocks())
    megabytes = len(text.encode()) / 1e6
    lines = text.splitlines(keepends=True)
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        print("| vocabulary | Hugging Face, MB/s | ours, MB/s | times as fast |\n|---|---|---|---|")
        for name in names:
            path = folder_of(name)
            theirs = (fixtures.gguf_fixtures.make(name, path)[0] if path.suffix == ".gguf"
                      else fixtures.load(path))
            whole, encodings = seconds(
                lambda: theirs.encode_batch_fast([text], add_special_tokens=False))
            ids = encodings[0].ids
            batch, _ = seconds(lambda: theirs.encode_batch_fast(lines, add_special_tokens=False))
            out = subprocess.run([program, path, file.name, str(ROUNDS)], check=True,
                                 capture_output=True, text=True).stdout.split("\n")
            if out[1] != f"{len(ids)} {fixtures.digest(ids)}":
                sys.exit(f"{name}: other ids")
            ours = statistics.median(map(float, out[0].split()))
            print(f"| {name} | {megabytes / min(whole, batch):.1f} | {megabytes / ours:.1f} | "
                  f"{min(whole, batch) / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
