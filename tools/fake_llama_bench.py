#!/usr/bin/env python3
"""Stands for another engine's llama-bench in the tests of bench.py: the same options and output,
speeds that follow from the options."""
import json
import sys

USAGE = "usage: llama-bench\n  -d, --n-depth <n>\n  -fa <0|1>\n  --repack <0|1>"


def value(name, default=0):
    words = sys.argv
    return int(words[words.index(name) + 1]) if name in words else default


def row(n_prompt, n_gen):
    speed = 100 * (1 + value("-fa")) * (3 - 2 * value("--repack")) if n_gen else 1000
    return {"n_prompt": n_prompt, "n_gen": n_gen, "n_depth": value("-d"),
            "samples_ts": [speed + i for i in range(value("-r"))]}


if __name__ == "__main__":
    if "--help" in sys.argv:
        print(USAGE)
    elif "--version" in sys.argv:
        print("version: fake")
    else:
        tests = [(value("-p"), 0), (0, value("-n"))]
        print(json.dumps([row(*test) for test in tests if any(test)]))
