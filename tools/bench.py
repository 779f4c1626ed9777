#!/usr/bin/env python3
"""make bench: the kernels against the machine's limits, the default model as a user meets it, the
server around it.
usage: bench.py"""
import os
import re
import subprocess
import sys

from steps import ROOT

PROGRAM = ROOT / "build/overtake"
PROMPT = "The old house at the end of the street had been empty for years. " * 34  # 512 tokens
N_RUNS = 5


def measure(n_tokens, *arguments):
    """The line that `overtake run --speed` prints: median answer and prompt speeds of N_RUNS, each
    with an answer of `n_tokens`."""
    speeds = []
    for _ in range(N_RUNS):
        done = subprocess.run([PROGRAM, "run", "smollm2", *arguments, "--temperature", "0",
                               "--speed", "--max-tokens", str(n_tokens)],
                              stdin=subprocess.DEVNULL, text=True, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = done.stderr.splitlines()[-1]
        if not line.startswith(f"{n_tokens} tokens"):
            sys.exit(f"bench.py: the answer has not {n_tokens} tokens: {line}")
        speeds.append([float(s) for s in re.findall(r"([\d.]+) tokens/s", line)])
    return [sorted(column)[N_RUNS // 2] for column in zip(*speeds)]


def decode():
    return measure(128, "Once upon a time", "--raw")[0]


def decode_beside_neighbour():
    """The same while another process keeps one of our processors busy."""
    cpu = max(os.sched_getaffinity(0))
    busy = subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{cpu}}})\n"
                             "while True: pass"])
    try:
        return decode()
    finally:
        busy.kill()
        busy.wait()


def main():
    tools = ROOT / "tools"
    subprocess.run([tools / "install_packages.py", "run", "test", "bench"], check=True)
    subprocess.run([tools / "build.py", "release", "overtake", "benches"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([tools / "get_model.py"], check=True, stdout=subprocess.DEVNULL)
    for bench in sorted((ROOT / "build").glob("bench_*")):
        if bench.is_file():
            print(f"\n{bench.name}", flush=True)
            subprocess.run([bench], check=True)
    print(f"\nsmollm2, median of {N_RUNS} runs of `overtake run`")
    alone, beside = decode(), decode_beside_neighbour()
    print(f"  decode   {alone:8.1f} tokens/s  (128 tokens)")
    print(f"  decode   {beside:8.1f} tokens/s  with a busy process on one processor "
          f"({beside / alone:.0%})")
    _, prompt = measure(2, PROMPT, "--raw")
    print(f"  prefill  {prompt:8.1f} tokens/s  (about 512 tokens)")
    print("\nthe server, and the way to a remote model", flush=True)
    subprocess.run([tools / "bench_server.py"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
