#!/usr/bin/env python3
"""make test: every check and test, with nothing else done before.
usage: gate.py [--only STAGE,...] [--list]"""
import argparse
import os
import re
import sys
import time

from steps import ROOT, Steps, duration

TOOLS = ROOT / "tools"
PYTHON = sys.executable
N_CPUS = str(len(os.sched_getaffinity(0)))
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_stack_use_after_return=1",
                     "UBSAN_OPTIONS": "print_stacktrace=1", "TSAN_OPTIONS": "halt_on_error=1"}
# Unit tests of the rooms where several threads meet.
THREADED = ["test_base", "test_parallel", "test_net", "test_engine", "test_across"]


def ctest(preset, *options):
    folder = ROOT / ("build" if preset == "release" else f"build-{preset}")
    return ["ctest", "--test-dir", folder, "-j", N_CPUS, "--output-on-failure", *options]


def ctest_summary(text):
    found = re.findall(r"tests passed, (\d+) tests failed out of (\d+)", text)
    return f"{found[-1][1]} test programs" if found else ""


def build(preset, *targets):
    return [TOOLS / "build.py", preset, *targets]


class Gate:
    def __init__(self):
        self.steps = Steps("test")
        self.environment = {"PYTHONPATH": str(TOOLS), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, label, command, note=None, **environment):
        return self.steps.run(label, command, env={**self.environment, **environment}, note=note,
                              timeout_s=3600)

    def packages(self):
        return self.run("Debian packages", [TOOLS / "install_packages.py", "run", "test"])

    def rules(self):
        self.run("floors", [TOOLS / "check_floors.py"])
        self.run("format", [TOOLS / "check_format.py"])
        self.run("tests of the scripts",
                 [PYTHON, "-m", "unittest", "discover", "-s", TOOLS, "-p", "*_test.py"])

    def vocabulary(self):
        return (self.run("Llama 2's vocabulary",
                         [TOOLS / "get_llama_vocab.py", ROOT / ".cache/vocabularies"]) and
                self.run("other models' vocabularies",
                         [TOOLS / "get_vocabularies.py", ROOT / ".cache/vocabularies"]))

    def release(self):
        return (self.run("release build", build("release", "overtake", "tests")) and
                self.vocabulary() and
                self.run("unit tests", ctest("release"), note=ctest_summary))

    def asan(self):
        return (self.run("build with sanitizers", build("asan", "tests")) and
                self.vocabulary() and
                self.run("unit tests with sanitizers", ctest("asan"), note=ctest_summary,
                         **SANITIZER_OPTIONS))

    def tsan(self):
        return (self.run("build with the thread sanitizer", build("tsan", *THREADED)) and
                self.run("unit tests with the thread sanitizer",
                         ctest("tsan", "-R", "^(" + "|".join(THREADED) + ")$"), note=ctest_summary,
                         **SANITIZER_OPTIONS))

    def pages(self):
        self.run("pages rebuilt and compared", [TOOLS / "check_pages.py"])

    def clients(self):
        """What needs the program and the real default model."""
        if not self.run("default model", [TOOLS / "get_model.py"]):
            return
        self.run("docs/cli.md", [TOOLS / "make_cli_doc.py", ROOT / "build/overtake", "--check"])
        self.run("end to end", [PYTHON, ROOT / "tests/end_to_end/run.py", ROOT / "build/overtake"])
        self.run("official clients", [ROOT / "tests/sdk/run.sh", ROOT / "build/overtake"])
        self.run("every dialect with every provider",
                 [TOOLS / "make_compatibility_doc.py", ROOT / "build/overtake", "--check"])

    def drop_in(self):
        self.run("a file dropped in is the whole change", [TOOLS / "check_drop_in.py"])


ALWAYS = ["packages", "rules", "release", "clients", "pages", "drop_in", "asan"]
OTHERS = ["tsan"]
NEEDS_BUILD = {"clients", "drop_in"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="some stages: " + ",".join(ALWAYS + OTHERS))
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else ALWAYS
    start, gate, built = time.monotonic(), Gate(), True
    for stage in chosen:
        if stage in NEEDS_BUILD and not built:
            gate.steps.skip(stage, "there is no program to test")
            continue
        done = getattr(gate, stage)()
        if stage == "packages" and not done:
            break
        if stage == "release":
            built = (ROOT / "build/overtake").exists()
    if not os.environ.get("OVERTAKE_TEST_DATA"):
        print("note: OVERTAKE_TEST_DATA is not set: tests on larger real data did not run, as each "
              "said by name")
    gate.steps.explain_failures()
    failed = len(gate.steps.failed)
    print(f"\n{duration(time.monotonic() - start)}; logs in .cache/logs/test")
    print(f"{gate.steps.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
