#!/usr/bin/env python3
"""Installs the Debian packages of tools/packages.txt that are missing; does nothing where none is.
usage: install_packages.py NEED...      NEED: run, test, bench, soak, check"""
import glob
import os
import pathlib
import shutil
import subprocess
import sys

LIST = pathlib.Path(__file__).with_name("packages.txt")
NEEDS = ("run", "test", "bench", "soak", "check")


def wanted(needs):
    rows = [line.split("#")[0].split() for line in LIST.read_text().splitlines()]
    return [row[0] for row in rows if row and row[1] in needs]


def missing(packages):
    query = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *packages],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = query.stdout.splitlines()
    installed = {line.split()[0] for line in lines if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def as_root(command):
    if os.geteuid() == 0:
        return command
    # sudo may ask for a password: it does so on the terminal, not through our pipes.
    return ["sudo", "--preserve-env=DEBIAN_FRONTEND", *command]


def apt(*arguments):
    environment = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
    command = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *arguments]
    return subprocess.run(as_root(command), env=environment, stdin=None).returncode == 0


def main():
    needs = sys.argv[1:] or ["run"]
    packages = wanted(needs)
    if not shutil.which("apt-get"):
        print("this is no Debian or Ubuntu: these packages (by their Debian names) must be there "
              "already: " + " ".join(packages))
        return 0
    absent = missing(packages)
    if not absent:
        print("all packages are installed")
        return 0
    command = "apt-get install -y " + " ".join(absent)
    if os.geteuid() != 0 and not shutil.which("sudo"):
        print(f"packages are missing, and there is no sudo; as root, run:\n  {command}")
        return 1
    print(command, flush=True)
    install = ["install", "--no-install-recommends", *absent]
    # Lists that are there may be old; then the install fails, and fresh ones help.
    if glob.glob("/var/lib/apt/lists/*_Packages*") and apt(*install):
        return 0
    if apt("update") and apt(*install):
        return 0
    print(f"apt-get could not install the packages; see its lines above; try by hand:\n  {command}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
