"""The simulator's server: every vendor under a path of its own, every request kept.

usage: python3 -m simulator.server   (in tests/; prints its port)
A model's name is SCENE or FAULT, a dot, and a tag that tells the request from others. GET
/_sim/TAG is what came with that tag; GET /_sim is {"open": answers that are under way, "stolen":
requests that came where a redirect pointed}."""
import http.server
import json
import select
import socket
import struct
import sys
import threading
import time
import traceback

from . import anthropic, compatible, faults, gemini, ollama, openai, responses
from .scenes import SCENES

VENDORS = {"openai": openai, "compatible": compatible, "anthropic": anthropic, "google": gemini,
           "ollama": ollama}
KEY = "sk-simulated-{}-0123456789"
LONGEST_WAIT_S = 60


class Record:
    def __init__(self):
        self.lock = threading.Lock()
        self.by_tag = {}
        self.n_open = 0
        self.n_stolen = 0

    def add(self, tag, request):
        with self.lock:
            requests = self.by_tag.setdefault(tag, [])
            requests.append(request)
            return len(requests)

    def opened(self, n):
        with self.lock:
            self.n_open += n


class Exchange:
    """One request; what the faults play with."""

    def __init__(self, handler, vendor, body, streams):
        self.handler, self.vendor, self.body, self.streams = handler, vendor, body, streams
        self.port = handler.server.server_address[1]
        self.scene = SCENES["text"]
        self.answer_type = vendor.STREAM_TYPE if streams else "application/json"
        self.attempt = 1
        self.document = None  # the answer, where it is none of a scene's

    def send(self, data):
        self.handler.wfile.write(data)

    def head(self, status, headers):
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def answer(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else body.encode()
        self.head(status, {"Content-Type": "application/json", **(headers or {}),
                           "Content-Length": str(len(data))})
        self.send(data)

    def begin(self):
        self.head(200, {"Content-Type": self.answer_type, "Transfer-Encoding": "chunked"})

    def chunk(self, data):
        data = data.encode() if isinstance(data, str) else data
        if data:
            self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self):
        self.send(b"0\r\n\r\n")

    def close(self):
        self.handler.close_connection = True

    def reset(self):
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.dropped = True
        self.handler.close_connection = True

    def sleep(self, seconds):
        time.sleep(seconds)

    def wait(self):
        """Says nothing until the client leaves."""
        select.select([self.handler.connection], [], [], LONGEST_WAIT_S)
        self.handler.close_connection = True

    def events(self, change=None):
        """The answer in pieces: a stream's events, or some of a whole one's bytes."""
        if not self.streams:
            body = self.document or self.vendor.whole(self.scene, self.body)
            text = json.dumps(change(body) if change else body, ensure_ascii=self.scene.escaped)
            cut = len(text) // 4
            return iter((text[:cut], text[cut:2 * cut], text[2 * cut:3 * cut], text[3 * cut:]))
        if not change:
            return self.vendor.events(self.scene, self.body)
        return (changed(event, change) for event in self.vendor.events(self.scene, self.body))

    def proper(self):
        self.begin()
        for event in self.events():
            pieces = [event.encode()]
            if self.scene.drip:  # characters and escapes are cut everywhere
                pieces = [bytes([byte]) for byte in pieces[0]]
            for piece in pieces:
                self.chunk(piece)
        self.end()


def changed(event, change):
    at = event.find("{")
    if at < 0:
        return event
    end = event.rfind("}") + 1
    return event[:at] + json.dumps(change(json.loads(event[at:end]))) + event[end:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    dropped = False

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self):
        if not self.dropped:
            super().finish()

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        Exchange(self, openai, {}, False).answer(status, json.dumps(body))

    def do_GET(self):
        record = self.server.record
        if self.path == "/_sim":
            return self.reply(200, {"open": record.n_open, "stolen": record.n_stolen})
        if self.path.startswith("/_sim/"):
            return self.reply(200, record.by_tag.get(self.path[len("/_sim/"):], []))
        self.serve("GET", None)

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.record.opened(1)
        try:
            self.serve("POST", data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.server.record.opened(-1)

    def serve(self, method, data):
        for name, vendor in VENDORS.items():
            if self.path.startswith(vendor.PREFIX + "/"):
                return self.play(name, vendor, method, data)
        self.server.record.n_stolen += self.path == "/stolen"
        self.reply(404, {"error": "nobody is here"})

    def play(self, name, vendor, method, data):
        path = self.path[len(vendor.PREFIX):]
        kind = vendor.route(method, path)
        if vendor is openai and path in responses.KINDS:
            vendor, kind = responses, responses.KINDS[path]
        if not vendor.has_key(self.headers, KEY.format(name)):
            return self.reply(401, vendor.error(401, "this is not the key"))
        if kind == "models":
            return self.reply(200, vendor.models(["alpha", "beta"]))
        if kind is None:
            return self.reply(404, vendor.error(404, f"no {method} {path} here"))
        body = json.loads(data)
        model, streams = vendor.asked(path, body)
        streams = streams and kind == "chat"
        if vendor is gemini:
            body["_model"] = model
        word, _, tag = model.partition(".")
        if vendor is responses:
            word = word.removeprefix(responses.FAMILY)
        attempt = self.server.record.add(tag, {
            "provider": name, "method": method, "path": path, "kind": kind, "model": model,
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "body": {key: value for key, value in body.items() if key != "_model"}})
        exchange = Exchange(self, vendor, body, streams)
        exchange.attempt = attempt
        if kind == "embed":
            exchange.document = vendor.embed(body)
        if kind == "count":
            return exchange.answer(200, json.dumps(vendor.count(17)))
        if word in faults.ALL:
            return faults.ALL[word](exchange)
        if word not in SCENES:
            return self.reply(404, vendor.error(404, f"the model {model} does not exist"))
        exchange.scene = SCENES[word]
        exchange.proper()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        self.record = Record()
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (BrokenPipeError, ConnectionResetError, ValueError)):
            traceback.print_exc()


def environment(url):
    """The variables by which Overtake finds the simulator's vendors."""
    key = KEY.format
    return {
        "OPENAI_BASE_URL": url + openai.PREFIX, "OPENAI_API_KEY": key("openai"),
        "OVERTAKE_UPSTREAM_COMPATIBLE_URL": url + compatible.PREFIX,
        "OVERTAKE_UPSTREAM_COMPATIBLE_API_KEY": key("compatible"),
        "ANTHROPIC_BASE_URL": url + anthropic.PREFIX, "ANTHROPIC_API_KEY": key("anthropic"),
        "GOOGLE_GEMINI_BASE_URL": url + gemini.PREFIX, "GEMINI_API_KEY": key("google"),
        "OLLAMA_HOST": url + ollama.PREFIX, "OLLAMA_API_KEY": key("ollama"),
    }


if __name__ == "__main__":
    server = Server()
    print(server.server_address[1], flush=True)
    server.serve_forever()
