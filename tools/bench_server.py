#!/usr/bin/env python3
"""The server around a model, and the way to a remote one, by `wrk` on the same machine: `null`, which
answers at no cost, asked directly and through a second Overtake whose upstream the first one is.
usage: bench_server.py [--peer URL MODEL PORT]
Another gateway can be timed in the same run: at URL (with its /v1) its MODEL is to lead to the model
`null` of http://127.0.0.1:PORT/v1, which is started here."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from steps import ROOT

PROGRAM = ROOT / "build/overtake"
N_TOKENS = 16
SECONDS = 3
N_RUNS = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def request(model, stream):
    return json.dumps({"model": model, "max_tokens": N_TOKENS, "stream": stream,
                       "messages": [{"role": "user", "content": "Hello"}]})


def check(url, model):
    """What is timed must be the whole answer."""
    asked = urllib.request.Request(url, request(model, False).encode(),
                                   {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(asked, timeout=30))
    if answer["usage"]["completion_tokens"] != N_TOKENS:
        sys.exit(f"bench_server.py: {url} does not answer with {N_TOKENS} tokens: {answer}")


def serve(environment, port=None):
    port = port or free_port()
    server = subprocess.Popen([PROGRAM, "serve", "null", "--port", str(port)],
                              env=os.environ | environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/v1"
    for _ in range(100):
        try:
            urllib.request.urlopen(url + "/models", timeout=1)
            return server, url
        except OSError:
            time.sleep(0.1)
    server.kill()
    sys.exit("bench_server.py: overtake serve did not start")


def wrk(url, model, stream, n_connections, script):
    """Requests a second, median and 99th percentile of the latency in ms."""
    script.write_text('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                      f"wrk.body = [==[{request(model, stream)}]==]\n")
    done = subprocess.run(["wrk", "-t1", f"-c{n_connections}", f"-d{SECONDS}s", "--latency", "-s",
                           script, url], check=True, text=True, stdout=subprocess.PIPE)
    if "Non-2xx" in done.stdout:
        sys.exit(f"bench_server.py: {url} answers with errors:\n{done.stdout}")

    def milliseconds(share):
        number, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)\b", done.stdout).groups()
        return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]

    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    return rate, milliseconds(50), milliseconds(99)


def main(arguments):
    stub, stub_url = serve({}, *arguments[3:])
    gateway, gateway_url = serve({"OVERTAKE_UPSTREAM_STUB_URL": stub_url})
    ways = [("null itself", stub_url, "null"), ("through overtake", gateway_url, "stub/null")]
    if arguments:
        ways.append(("through the peer", *arguments[1:3]))
    try:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "request.lua"
            for _, url, model in ways:
                check(url + "/chat/completions", model)
            for stream in (False, True):
                for n_connections in (1, 32):
                    print(f"\n{N_TOKENS} tokens, {'streamed' if stream else 'whole'}, "
                          f"{n_connections} connection(s); medians of {N_RUNS} in turns")
                    runs = {way: [] for way in ways}
                    for _ in range(N_RUNS):
                        for way in ways:
                            runs[way].append(wrk(way[1] + "/chat/completions", way[2], stream,
                                                 n_connections, script))
                    for way in ways:
                        rate, p50, p99 = (sorted(c)[N_RUNS // 2] for c in zip(*runs[way]))
                        print(f"  {way[0]:18} {rate:9.0f} requests/s   p50 {p50:8.2f} ms   "
                              f"p99 {p99:8.2f} ms", flush=True)
    finally:
        stub.kill()
        gateway.kill()


if __name__ == "__main__":
    if len(sys.argv) not in (1, 5) or sys.argv[1:2] not in ([], ["--peer"]):
        sys.exit(__doc__)
    main(sys.argv[1:])
