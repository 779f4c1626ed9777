#!/usr/bin/env python3
"""Guessing ahead beside one token at a time: the prompts of bench/speculation_prompts.json, each in a
process of its own, in turns. Fails where a text differs.
usage: bench_speculation.py [--model MODEL] [--rounds 3] [--max-tokens 256] [--program FILE]
"copied" is the share of an answer's tokens that stand in the prompt as a run of at least four, the
speeds are those of the answer without its first token. Of the prompts whose answers are new text, a
second table has answers drawn at temperature 1, where guesses hardly ever hold."""
import argparse
import json
import re
import statistics
import subprocess
import sys

from steps import ROOT

PROMPTS = ROOT / "bench/speculation_prompts.json"
RUN = 4  # tokens


def copied_share(prompt, answer):
    runs = {tuple(prompt[i:i + RUN]) for i in range(len(prompt) - RUN + 1)}
    marks = [False] * len(answer)
    for i in range(len(answer) - RUN + 1):
        if tuple(answer[i:i + RUN]) in runs:
            marks[i:i + RUN] = [True] * RUN
    return sum(marks) / max(1, len(answer))


class Bench:
    def __init__(self, options):
        self.options = options

    def ids(self, text):
        done = subprocess.run([self.options.program, "tokenize", self.options.model, "-", "--ids"],
                              input=text, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split()

    def answer(self, prompt, temperature, plain):
        """The text, and its tokens a second."""
        words = ["--temperature", str(temperature), "--seed", "1", "--speed",
                 "--max-tokens", str(self.options.max_tokens)]
        if plain:
            words.append("--no-speculation")
        done = subprocess.run([self.options.program, "run", self.options.model, prompt, *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=True)
        line = done.stderr.splitlines()[-1]
        speed = re.search(r"tokens, ([\d.]+) tokens/s", line)
        return done.stdout, float(speed[1]) if speed else 0.0

    def compare(self, case, temperature):
        speeds = {True: [], False: []}
        texts = set()
        for i in range(self.options.rounds):
            for plain in ((True, False) if i % 2 else (False, True)):
                text, speed = self.answer(case["prompt"], temperature, plain)
                texts.add(text)
                speeds[plain].append(speed)
        if len(texts) > 1:
            sys.exit(f"bench_speculation.py: {case['name']}: the text differs with guesses")
        plain, ahead = (statistics.median(speeds[p]) for p in (True, False))
        if not plain or not ahead:
            sys.exit(f"bench_speculation.py: {case['name']}: an answer of one token has no speed")
        answer = self.ids(texts.pop())
        share = copied_share(self.ids(case["prompt"]), answer)
        print(f"| {case['name']} | {len(answer)} | {share:.0%} | {plain:.0f} | {ahead:.0f} | "
              f"{ahead / plain:.2f} |", flush=True)
        return ahead / plain, len(answer) / plain, len(answer) / ahead

    def table(self, title, cases, temperature):
        print(f"\n| {title} | tokens | copied | one at a time | guessing ahead | ratio |\n"
              "|---|---|---|---|---|---|")
        rows = [self.compare(case, temperature) for case in cases]
        ratios = sorted(row[0] for row in rows)
        whole = sum(row[1] for row in rows) / sum(row[2] for row in rows)
        print(f"\nmedian {statistics.median(ratios):.2f}, least {ratios[0]:.2f}, "
              f"all together {whole:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--program", default=ROOT / "build/overtake")
    bench = Bench(parser.parse_args())
    prompts = json.loads(PROMPTS.read_text())
    bench.table("edit, reformat or quote", prompts["copied"], 0)
    bench.table("new text", prompts["new"], 0)
    bench.table("new text, temperature 1", prompts["new"], 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
