#!/usr/bin/env python3
"""make bench: the kernels, whole models beside the peer on the same files, guessing ahead, the server;
writes the machine-made part of docs/performance.md.
usage: bench.py [--only kernels,models,speculation,server] [--models PATH...] [--quick] [--no-peer]
                [--page FILE] [--program FILE]
The models are the default one and those that BENCH_MODELS names (paths, with colons between them);
the peer is the llama-bench that PEER_BENCH names, else llama.cpp, built by get_peer.py."""
import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

import bench_page
import bench_peer
from steps import CACHE, ROOT

PROGRAM = ROOT / "build/overtake"
TOOLS = ROOT / "tools"
PAGE = ROOT / "docs/performance.md"
ROUNDS = 3  # of both engines, in turns
REPEATS = 2  # of each a round
DEEP_BYTES = 500e6  # a peer reads the depth again for each run: only small models


@dataclasses.dataclass(frozen=True)
class Case:
    prompt: int = 0
    new: int = 0
    depth: int = 0
    batch: int = 1

    def only(self, phase):
        return dataclasses.replace(self, **{"new" if phase == "prefill" else "prompt": 0})

    def phases(self):
        return [p for p, n in (("prefill", self.prompt), ("decode", self.new)) if n]

    def what(self, phase):
        text = f"{phase} {self.prompt if phase == 'prefill' else self.new}"
        text += f" at {self.depth}" if self.depth else ""
        return text + (f", {self.batch} together" if self.batch > 1 else "")


def cases_for(size, quick):
    if quick:
        return [Case(prompt=16, new=4)]
    cases = [Case(prompt=512, new=128), Case(prompt=128)]
    if size < DEEP_BYTES:
        cases += [Case(prompt=512, new=64, depth=4096), Case(new=64, batch=16)]
    return cases


def overtake(program, model, case, repeats):
    done = subprocess.run([program, "bench", model, "-p", str(case.prompt), "-n", str(case.new), "-d",
                           str(case.depth), "--batch", str(case.batch), "--repeats", str(repeats),
                           "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def merge(results, phase):
    """One row of several runs: all samples; share and limit of the run in the middle."""
    phases = sorted((r[phase] for r in results), key=lambda p: p["tokens_per_s"])
    samples = sum((p["samples"] for p in phases), [])
    middle = statistics.median(samples)
    return {"tokens_per_s": middle, "spread": (max(samples) - min(samples)) / middle,
            "share": phases[len(phases) // 2]["share"], "bound_by": phases[0]["bound_by"]}


class Models:
    """Whole models beside the peer. `rows` and `starts` are what bench_page writes."""

    def __init__(self, peer, n_threads, quick=False, program=PROGRAM):
        self.peer, self.n_threads, self.program = peer, n_threads, program
        self.rounds, self.repeats = (1, 1) if quick else (ROUNDS, REPEATS)
        self.quick = quick
        self.rows, self.starts = [], []

    def measure(self, path):
        name, size = pathlib.Path(path).stem, os.path.getsize(path)
        for i, case in enumerate(cases_for(size, self.quick)):
            results, samples, settings = self.turns(path, case)
            if i == 0:
                last = results[-1]
                self.starts.append({"model": name, **{k: last[k] for k in (
                    "load_s", "first_token_s", "rest_rss_bytes", "peak_rss_bytes", "file_bytes")}})
            for phase in case.phases():
                row = {"model": name, "what": case.what(phase), "overtake": merge(results, phase)}
                if samples[phase]:
                    row["peer"] = {"tokens_per_s": statistics.median(samples[phase]),
                                   "setting": settings[phase]}
                self.rows.append(row)
                print("  " + "  ".join(bench_page.result_cells(row)), flush=True)

    def peer_can(self, case):
        return self.peer and (case.batch == 1 or self.peer.batched) and (
            case.depth == 0 or self.peer.has_depth)

    def turns(self, path, case):
        """All of Overtake's results, the peer's samples of each phase and its best settings. A peer
        that fails leaves its place empty."""
        settings = {phase: [] for phase in case.phases()}
        results, samples = [], {phase: [] for phase in settings}
        beside = self.peer_can(case)
        for i in range(self.rounds):
            results.append(overtake(self.program, path, case, self.repeats))
            try:
                for phase in settings if beside else []:
                    if i == 0:
                        settings[phase] = self.peer.best_setting(path, case, phase, self.n_threads)
                    samples[phase] += self.peer.run(path, case.only(phase), settings[phase],
                                                    self.repeats)[phase]
            except (OSError, subprocess.SubprocessError) as error:
                print(f"  the peer failed: {error}", flush=True)
                beside, samples = False, {phase: [] for phase in settings}
        return results, samples, {p: " ".join(words) for p, words in settings.items()}

    def neighbour(self, path):
        """The share of decode's speed that is left beside a busy process on one processor."""
        case, slow = Case(new=64), Case(new=8)
        ours = [overtake(self.program, path, case, 3)["decode"]["tokens_per_s"]]
        setting = self.peer.settings(self.n_threads)[0] if self.peer else []
        theirs = self.peer.run(path, case, setting, 3)["decode"] if self.peer else []
        cpu = max(os.sched_getaffinity(0))
        busy = subprocess.Popen([sys.executable, "-c", "import os\n"
                                 f"os.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"])
        try:
            ours.append(overtake(self.program, path, case, 3)["decode"]["tokens_per_s"])
            found = {"model": pathlib.Path(path).stem, "overtake": ours[1] / ours[0]}
            if self.peer:
                beside = self.peer.run(path, slow, setting, 3)["decode"]
                found["peer"] = statistics.median(beside) / statistics.median(theirs)
            return found
        finally:
            busy.kill()
            busy.wait()


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def build_flags():
    cache = (ROOT / "build/CMakeCache.txt").read_text()
    lists = (ROOT / "CMakeLists.txt").read_text()
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w+)", cache, re.M).group(1)
    flags = re.search(rf'CMAKE_CXX_FLAGS_{kind.upper()} "([^"]*)"', lists)
    return f"{kind}: {flags.group(1)}" if flags else kind


def facts_of(limits, peer):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    memory = pathlib.Path("/proc/meminfo").read_text()
    processor = re.search(r"^model name\s*: (.*)$", info, re.M)
    flags = (re.search(r"^flags\s*: (.*)$", info, re.M) or [None, ""])[1].split()
    wanted = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]
    return {"processor": processor[1] if processor else platform.machine(),
            "n_cores": len(os.sched_getaffinity(0)),
            "memory_gb": int(re.search(r"MemTotal: +(\d+)", memory)[1]) * 1024 / 1e9,
            "features": [f for f in wanted if f in flags] or ["no vector extensions that matter"],
            "limits": limits["limits"], "isa": limits["isa"], "n_threads": limits["threads"],
            "commit": output("git", "-C", ROOT, "describe", "--always", "--dirty"),
            "flags": build_flags(), "compiler": output("c++", "--version").splitlines()[0],
            "date": datetime.date.today().isoformat(), "peer": peer.description if peer else ""}


def run_kernels():
    subprocess.run([TOOLS / "build.py", "release", "benches"], check=True,
                   stdout=subprocess.DEVNULL)
    for bench in sorted((ROOT / "build").glob("bench_*")):
        if bench.is_file():
            print(f"\n{bench.name}", flush=True)
            subprocess.run([bench], check=True)


def run_models(options, paths):
    peer = None if options.no_peer else bench_peer.from_environment(paths[0])
    limits = json.loads(output(options.program, "bench", "--limits", "--json"))
    models = Models(peer, limits["threads"], options.quick, options.program)
    facts = facts_of(limits, peer)
    print("\n".join(["", *bench_page.machine_lines(facts), ""]), flush=True)
    for path in paths:
        models.measure(path)
    neighbour = None
    if len(os.sched_getaffinity(0)) > 1 and not options.quick:
        neighbour = models.neighbour(paths[0])
    raw = {"facts": facts, "rows": models.rows, "starts": models.starts, "neighbour": neighbour}
    if not options.quick:
        CACHE.mkdir(exist_ok=True)
        (CACHE / "bench.json").write_text(json.dumps(raw, indent=1))
    bench_page.write(options.page, bench_page.text(facts, models.rows, models.starts, neighbour))
    print(f"\nwritten to {options.page}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="kernels,models,speculation,server")
    parser.add_argument("--models", nargs="*", default=[], help="these instead of the default one")
    parser.add_argument("--quick", action="store_true", help="a smoke: numbers that mean nothing")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--program", default=PROGRAM, help="instead of build/overtake")
    parser.add_argument("--page", default=PAGE, help="instead of docs/performance.md")
    options = parser.parse_args()
    parts = options.only.split(",")
    if not options.quick:
        subprocess.run([TOOLS / "install_packages.py", "run", "test", "bench"], check=True)
        subprocess.run([TOOLS / "build.py", "release", "overtake"], check=True,
                       stdout=subprocess.DEVNULL)
    if "kernels" in parts and not options.quick:
        run_kernels()
    if "models" in parts:
        paths = options.models or [output(TOOLS / "get_model.py")]
        paths += [p for p in os.environ.get("BENCH_MODELS", "").split(":") if p]
        run_models(options, paths)
    if "speculation" in parts and not options.quick:
        print("\nguessing ahead", flush=True)
        subprocess.run([TOOLS / "bench_speculation.py"], check=True)
    if "server" in parts and not options.quick:
        print("\nthe server, and the way to a remote model", flush=True)
        subprocess.run([TOOLS / "bench_server.py"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
