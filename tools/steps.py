"""Steps of make run and make test: a line each with its time, the output in a log, the reason of a
failure at the end."""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
TTY = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
COLOR = TTY and not os.environ.get("NO_COLOR")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# Node trusts certificates of its own only; the machine's are those that pip and apt use, and a
# company's among them.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
if os.path.exists(CERTIFICATES):
    os.environ.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)


def paint(text, code):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOR else text


def duration(seconds):
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def cpu_seconds():
    """Processor time of all finished child processes: what a step costs whatever runs beside it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def last_line(log):
    """What the step said last, to be shown while it works."""
    with open(log, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 2000))
        lines = re.split(r"[\r\n]+", file.read().decode("utf-8", "replace").strip())
    return ESCAPES.sub("", lines[-1]).strip() if lines else ""


class Steps:
    """Runs steps one after another. `passed` and `failed` count them."""

    def __init__(self, name):
        self.logs = CACHE / "logs" / name
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.passed = 0
        self.failed = []  # (label, log)

    def run(self, label, command, env=None, timeout_s=None, note=None):
        """Runs `command` (a list); True if it exits 0. `note` makes a remark of its output."""
        log = self.logs / (re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") + ".log")
        start, cpu_start = time.monotonic(), cpu_seconds()
        with open(log, "wb") as out:
            try:
                process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
                                           stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
                code = self._wait(process, label, log, start, timeout_s)
            except OSError as error:
                out.write(f"{command[0]}: {error}\n".encode())
                code = 127
        seconds, cpu = time.monotonic() - start, cpu_seconds() - cpu_start
        remark = note(log.read_text(errors="replace")) if note and code == 0 else ""
        mark = paint("ok  ", "32") if code == 0 else paint("FAIL", "31")
        work = f"(cpu {duration(cpu)})"
        self._print(f"{mark} {label:<44} {duration(seconds):>12}  {work:<18} {remark}".rstrip())
        if code == 0:
            self.passed += 1
        else:
            self.failed.append((label, log))
        return code == 0

    def skip(self, label, reason):
        """A step that could not run for want of another: that is a failure too."""
        log = self.logs / (re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") + ".log")
        log.write_text(reason + "\n")
        self._print(f"{paint('FAIL', '31')} {label:<44} {'not run':>12}  {reason}")
        self.failed.append((label, log))

    def explain_failures(self, n_lines=40):
        for label, log in self.failed:
            print(f"\n{paint(label + ' failed', '31')}; the end of {log.relative_to(ROOT)}:")
            for line in log.read_text(errors="replace").splitlines()[-n_lines:]:
                print("  " + line)

    def _wait(self, process, label, log, start, timeout_s):
        while True:
            try:
                return process.wait(timeout=0.25 if TTY else 5)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - start
            if timeout_s and seconds > timeout_s:
                process.kill()
                process.wait()
                with open(log, "ab") as out:
                    out.write(f"\nstopped after {timeout_s} s\n".encode())
                return 124
            if TTY:
                width = shutil.get_terminal_size().columns
                line = f"     {label:<44} {duration(seconds):>12}  {last_line(log)}"
                sys.stdout.write("\r\x1b[K" + line[: width - 1])
                sys.stdout.flush()

    def _print(self, line):
        print(("\r\x1b[K" if TTY else "") + line, flush=True)
