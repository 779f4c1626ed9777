#!/usr/bin/env python3
"""make soak: the long counts. Fuzzes every target and feeds damaged models to the program, and
writes what was run into docs/reliability.md. A finding stays in .cache/soak/ and is an error.
usage: soak.py [--runs N] [--seed S] [--only TARGET,...] [--damaged ROUNDS]"""
import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from steps import CACHE, ROOT, duration

RECORD = ROOT / "docs/reliability.md"
WORK = CACHE / "soak"
HEADING = """# Reliability: what was run, and for how long

Written by `make soak`; a claim without a row here is none. Each row is the latest run of its kind:
of which commit, with which seed, how many executions (or files), how long, and what was found.
Fuzzing is libFuzzer with the address and undefined-behaviour sanitizers, starting from the corpus
in `fuzz/corpus/`. A damaged model is given to `show`, `logits` and `run`; a finding is a crash, a
hang of ten seconds, or a failure without a message.

| run | commit | date | seed | count | duration | findings |
|---|---|---|---|---|---|---|
"""


def read_rows():
    if not RECORD.exists():
        return {}
    rows = [line for line in RECORD.read_text().splitlines() if line.startswith("| ")][1:]
    return {row.split("|")[1].strip(): row for row in rows}


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True,
                              text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "fuzz", "tests")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


RECORDING = threading.Lock()


def record(name, seed, count, seconds, findings):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    row = (f"| {name} | {commit()} | {today} | {seed} | {count:,} | {duration(seconds)} | "
           f"{findings} |")
    with RECORDING:
        rows = {**read_rows(), name: row}
        RECORD.write_text(HEADING + "\n".join(rows[key] for key in sorted(rows)) + "\n")
        print(row, flush=True)


def fuzz(name, runs, seed):
    """One target over `runs` inputs; the number of findings."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "corpus").mkdir(parents=True)
    command = [ROOT / f"build-fuzz/fuzz_{name}", folder / "corpus", ROOT / f"fuzz/corpus/{name}",
               f"-runs={runs}", f"-seed={seed}", "-timeout=10", "-rss_limit_mb=4096",
               "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    start = time.monotonic()
    with open(folder / "log", "w") as log:
        code = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL).returncode
    executed = re.findall(r"number_of_executed_units: (\d+)", (folder / "log").read_text())
    found = 1 if code else 0
    record(f"fuzz {name}", seed, int(executed[-1]) if executed else 0, time.monotonic() - start,
           found)
    if found:
        print(f"fuzz {name}: see {folder}/log and the input beside it")
    return found


def damage(rounds, seed):
    """The damaged models of the end-to-end tests, with other seeds each round."""
    found = files = 0
    start = time.monotonic()
    for i in range(rounds):
        run = subprocess.run([sys.executable, ROOT / "tests/end_to_end/run.py",
                              ROOT / "build/overtake", "test_damaged_models"], stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.STDOUT,
                             env={**os.environ, "OVERTAKE_DAMAGE_SEED": str(seed + i)})
        files += 400
        if run.returncode:
            found += 1
            (WORK / f"damaged-{seed + i}.log").write_text(run.stdout)
    record("damaged models", seed, files, time.monotonic() - start, found)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS", 1_000_000)))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="", help="some of: damaged and the names in fuzz/")
    parser.add_argument("--damaged", type=int, default=5, help="rounds of 400 damaged models")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    targets = sorted(p.name.removesuffix("_fuzz.cc") for p in (ROOT / "fuzz").glob("*_fuzz.cc"))
    WORK.mkdir(parents=True, exist_ok=True)
    tools = ROOT / "tools"
    subprocess.run([tools / "install_packages.py", "run", "test", "soak"], check=True)
    chosen = [t for t in targets if not only or t in only]
    if chosen:
        subprocess.run([tools / "build.py", "fuzz", *(f"fuzz_{t}" for t in chosen)], check=True)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = sum(pool.map(lambda name: fuzz(name, options.runs, options.seed), chosen))
    if not only or "damaged" in only:
        subprocess.run([tools / "build.py", "release", "overtake"], check=True)
        subprocess.run([tools / "get_model.py"], check=True)
        found += damage(options.damaged, options.seed)
    print(f"{found} findings; docs/reliability.md has the record")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
