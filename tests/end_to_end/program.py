"""Runs the program under test, and a server of it."""
import http.client
import json
import os
import re
import select
import signal
import subprocess
import time

BINARY = ""  # set by run.py


def run(*arguments, stdin=None, timeout_s=60, env=None, text=True):
    """The finished process: returncode, stdout, stderr. Colours are off: nothing is a terminal."""
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=text,
                          timeout=timeout_s, env={**os.environ, **(env or {})})


class Server:
    """`overtake serve` on a free port, until the end of a with-block."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([BINARY, "serve", *arguments, "--port", "0"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = ""
        self.port = self._read_port(time.monotonic() + 60)
        self._wait_until_ready(time.monotonic() + 60)

    def _read_port(self, deadline):
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                piece = os.read(self.process.stdout.fileno(), 4096).decode("utf-8", "replace")
                if not piece:
                    break
                self.output += piece
            found = re.search(r"127\.0\.0\.1:(\d+)", self.output)
            if found:
                return int(found.group(1))
        self.stop()
        raise AssertionError("the server names no port: " + self.output)

    def _wait_until_ready(self, deadline):
        while time.monotonic() < deadline:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        raise AssertionError("the server does not become ready")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path):
        connection = self.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8")
        finally:
            connection.close()

    def post(self, path, body):
        connection = self.connect()
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8")
        finally:
            connection.close()

    def stream(self, path, body):
        """The JSON values of the answer's events, and whether it ended in [DONE]."""
        status, text = self.post(path, {**body, "stream": True})
        assert status == 200, text
        data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
        return [json.loads(d) for d in data if d != "[DONE]"], data[-1:] == ["[DONE]"]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
