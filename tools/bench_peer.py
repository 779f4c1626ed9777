"""Another engine's llama-bench: how it was built, which of its settings is best for a case, and its
speeds. Used by bench.py."""
import itertools
import json
import os
import pathlib
import re
import subprocess

TIMEOUT_S = 900


def describe(program):
    """How a llama-bench that somebody built says it was built: by the CMakeCache.txt above it."""
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True).stdout.splitlines()
    said = [line.strip() for line in version if re.match(r"version|built with", line)]
    text = ", ".join([pathlib.Path(program).name, *said])
    for folder in pathlib.Path(program).resolve().parents[:3]:
        if (folder / "CMakeCache.txt").exists():
            cache = (folder / "CMakeCache.txt").read_text()
            on = re.findall(r"^GGML_((?:AVX|FMA|F16C|BMI|AMX|NATIVE|IQK)\w*):BOOL=ON", cache, re.M)
            kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w+)", cache, re.M)
            return f"{text}, {kind.group(1) if kind else 'no build type'}: {', '.join(on)}"
    return text + ", flags unknown"


def output_of(command):
    """What it prints; OSError with its last words if it fails or prints nothing."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
    if done.returncode != 0 or not done.stdout:
        raise OSError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n"
                      f"{done.stderr[-1000:]}")
    return done.stdout


class Peer:
    """`run` gives samples of tokens a second: {"prefill": [...], "decode": [...]}."""

    def __init__(self, program, description):
        self.program = str(program)
        self.description = description
        usage = subprocess.run([program, "--help"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True).stdout
        self.has_repack = "--repack" in usage
        self.has_rtr = "-rtr" in usage  # ik_llama.cpp: repacks at run time
        self.has_depth = "--n-depth" in usage
        batched = pathlib.Path(program).with_name("llama-batched-bench")
        self.batched = str(batched) if batched.exists() else None

    def settings(self, n_threads):
        """Every combination of what can make it faster; the likeliest first."""
        threads = [n_threads] + ([n_threads // 2] if n_threads >= 4 else [])
        choices = [[("-t", str(t)) for t in threads], [("-fa", "1"), ("-fa", "0")]]
        if self.has_repack:
            choices.append([("--repack", "1"), ("--repack", "0")])
        if self.has_rtr:
            choices.append([("-rtr", "1"), ("-rtr", "0")])
        return [[word for pair in combination for word in pair]
                for combination in itertools.product(*choices)]

    def run(self, model, case, setting, repetitions):
        if case.batch > 1:
            return {"prefill": [], "decode": [self.run_batch(model, case, setting)]}
        command = [self.program, "-m", model, "-p", str(case.prompt), "-n", str(case.new), "-r",
                   str(repetitions), "-o", "json", *setting]
        if case.depth:
            command += ["-d", str(case.depth)]
        samples = {"prefill": [], "decode": []}
        for row in json.loads(output_of(command)):
            samples["decode" if row["n_gen"] else "prefill"] += row["samples_ts"]
        return samples

    def best_setting(self, model, case, phase, n_threads):
        """By one repetition of each of its settings."""
        if case.batch > 1:
            return ["-t", str(n_threads), "-fa", "on"]
        only = case.only(phase)
        def speed(setting):
            return max(self.run(model, only, setting, 1)[phase])
        settings = self.settings(n_threads)
        return max(settings, key=speed) if len(settings) > 1 else settings[0]

    def run_batch(self, model, case, setting):
        """Tokens a second of case.batch sequences together, by llama-batched-bench: one sample."""
        command = [self.batched, "-m", model, "-npp", "16", "-ntg", str(case.new), "-npl",
                   str(case.batch), "-c", str(case.batch * (case.new + 32)), *setting,
                   "--output-format", "jsonl"]
        rows = [line for line in output_of(command).splitlines() if line.startswith("{")]
        return json.loads(rows[-1])["speed_tg"]


def from_environment(model):
    """The peer that PEER_BENCH names, else llama.cpp, built if need be."""
    named = os.environ.get("PEER_BENCH")
    if named:
        return Peer(named, describe(named))
    import get_peer
    return Peer(*get_peer.get_peer(model))
