"""A simulator, an Overtake before it, and requests to that."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

TESTS = pathlib.Path(__file__).resolve().parent.parent
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
REQUEST_TIMEOUT_S = 60


def environment(more):
    """This process's, without what would lead elsewhere."""
    kept = {key: value for key, value in os.environ.items()
            if key.lower() not in PROXIES and not key.startswith("OVERTAKE_UPSTREAM_")}
    return {**kept, **more}


@contextlib.contextmanager
def simulator():
    """Its URL."""
    process = subprocess.Popen([sys.executable, "-m", "simulator.server"], cwd=TESTS,
                               stdout=subprocess.PIPE, text=True,
                               env=environment({"PYTHONDONTWRITEBYTECODE": "1"}))
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def overtake(binary, variables, models=("null",)):
    """The port of `overtake serve` with these variables."""
    with tempfile.TemporaryDirectory() as folder:
        log, rest = open(os.path.join(folder, "log"), "wb"), None
        process = subprocess.Popen([str(binary), "serve", *models, "--port", "0"], stderr=log,
                                   stdout=subprocess.PIPE, text=True, env=environment(variables))
        try:
            for line in process.stdout:
                if found := re.match(r"Serving .* on http://[^:]+:(\d+)", line):
                    break
            else:
                raise RuntimeError(pathlib.Path(log.name).read_text())
            rest = threading.Thread(target=process.stdout.read)
            rest.start()
            yield int(found[1])
            process.terminate()
            if status := process.wait(timeout=20):
                raise RuntimeError(f"the server ended with {status}: "
                                   + pathlib.Path(log.name).read_text()[-900:])
        finally:
            process.kill()
            process.wait()
            if rest:
                rest.join()
            process.stdout.close()
            log.close()


_connections = threading.local()


def ask(port, method, path, headers=None, body=None):
    """(status, headers, text) of one request; each thread keeps its connection."""
    kept = _connections.__dict__.setdefault("by_port", {})
    connection = kept.get(port)
    if not connection:
        connection = kept[port] = http.client.HTTPConnection("127.0.0.1", port,
                                                             timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request(method, path, body if body is None else json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    except Exception:
        kept.pop(port).close()
        raise


def recorded(port, tag):
    """What came to the simulator with this tag; without one, its state."""
    return json.loads(ask(port, "GET", f"/_sim/{tag}" if tag else "/_sim")[2])
