#!/usr/bin/env python3
"""make run: from a bare machine to an answer and a server. usage: run.py [--port PORT] [--build-only]"""
import argparse
import os
import pathlib
import socket
import subprocess
import sys
import time

from steps import ROOT, Steps, duration, paint

PROGRAM = ROOT / "build/overtake"
PROMPT = "What is the capital of France?"


def prepare(steps):
    """Packages and program; True if both are there."""
    tools = ROOT / "tools"
    ask_password = os.geteuid() != 0 and sys.stdin.isatty() and not os.environ.get("CI")
    if ask_password and packages_missing():
        # sudo may want a password: let it speak to the person before its output goes to a log.
        subprocess.run(["sudo", "-v"], check=False)
    return (steps.run("Debian packages", [tools / "install_packages.py", "run"]) and
            steps.run("build/overtake", [tools / "build.py", "release", "overtake"]))


def packages_missing():
    import install_packages
    return bool(install_packages.missing(install_packages.wanted(["run"])))


def get_model():
    start = time.monotonic()
    got = subprocess.run([ROOT / "tools/get_model.py"], stdout=subprocess.PIPE, text=True)
    if got.returncode == 0:
        path = pathlib.Path(got.stdout.strip())
        label, took = "model smollm2", duration(time.monotonic() - start)
        print(f"{paint('ok  ', '32')} {label:<44} {took:>12}  {path}", flush=True)
    return got.returncode == 0


def port_is_taken(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    steps = Steps("run")
    if not prepare(steps):
        steps.explain_failures()
        return 1
    if options.build_only:
        return 0
    if not get_model():
        return 1

    print(f"\n{paint('>', '36')} {paint(PROMPT, '1')}", flush=True)
    answer = subprocess.run([PROGRAM, "run", "smollm2", PROMPT, "--temperature", "0", "--speed"],
                            stdin=subprocess.DEVNULL)
    if answer.returncode != 0:
        return 1

    if port_is_taken(options.port):
        print(f"\novertake: port {options.port} is taken by another program; 127.0.0.1; stop that "
              f"program, or choose another port: make run PORT={options.port + 1}", file=sys.stderr)
        return 1
    print("\nTalk in this terminal instead: build/overtake run", flush=True)
    os.execv(PROGRAM, [str(PROGRAM), "serve", "smollm2", "--port", str(options.port)])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
