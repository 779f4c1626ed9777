"""pull, list --all, show and rm against a hub of this machine, over TLS with a certificate of its own."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from unittest import mock

import program
import small_model

REVISION = "ab" * 20
TOKEN = "hf_this_must_stay_secret"


class Hub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, content, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.slow, self.seen = content, False, []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://localhost:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # clients that distrust us, or go away

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for at in range(0, len(body), 4096):
                self.wfile.write(body[at:at + 4096])
                if self.server.slow:
                    time.sleep(0.05)

    def do_GET(self):
        hub = self.server
        hub.seen.append((self.path, self.headers.get("Authorization")))
        digest = hashlib.sha256(hub.content).hexdigest()
        if self.path == "/api/models/some/tiny-GGUF":
            return self.reply(json.dumps({"sha": REVISION, "tags": ["license:mit"]}).encode())
        if self.path.startswith(f"/api/models/some/tiny-GGUF/tree/{REVISION}"):
            entry = {"type": "file", "path": "tiny.F32.gguf", "size": len(hub.content), "oid": "",
                     "lfs": {"oid": digest, "size": len(hub.content)}}
            return self.reply(json.dumps([entry]).encode())
        if self.path == f"/some/tiny-GGUF/resolve/{REVISION}/tiny.F32.gguf":
            first = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            size = len(hub.content)
            return self.reply(hub.content[first:], 206 if first else 200, ETag=f'"{digest}"',
                              Content_Range=f"bytes {first}-{size - 1}/{size}")
        return self.reply(b"", 404)


class Pull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = small_model.write()[0]
        key, certificate = (os.path.join(cls.folder.name, f"{n}.pem") for n in ("key", "cert"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        cls.certificate = (certificate, key)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)

    def environment(self, hub, **more):
        return {"OVERTAKE_HOME": str(self.home), "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN,
                "HF_HUB_OFFLINE": "", "no_proxy": "localhost,127.0.0.1", **more}

    def test_tls_is_verified(self):
        with Hub(self.model, self.certificate) as hub:
            done = program.run("pull", "hf:some/tiny-GGUF", env=self.environment(hub))
            self.assertEqual(1, done.returncode)
            self.assertIn("certificate", done.stderr)
            self.assertIn("SSL_CERT_FILE", done.stderr)
            self.assertEqual([], hub.seen)  # not even the token
            trusted = self.environment(hub, SSL_CERT_FILE=self.certificate[0])
            done = program.run("pull", "hf:some/tiny-GGUF", "--json", env=trusted)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertTrue(json.loads(done.stdout)["verified"])
            # A name that the certificate does not have.
            other = {**trusted, "HF_ENDPOINT": hub.url.replace("localhost", "127.0.0.1")}
            done = program.run("pull", "hf:some/tiny-GGUF", "--name", "b", env=other)
            self.assertEqual(1, done.returncode)
            self.assertIn("certificate", done.stderr)

    def test_from_pull_to_rm(self):
        with Hub(self.model) as hub:
            environment = self.environment(hub)
            done = program.run("pull", "some/tiny-GGUF:f32", "--name", "tiny", env=environment)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("licence mit", done.stdout)
            self.assertNotIn(TOKEN, done.stdout + done.stderr)
            self.assertTrue(all(seen == f"Bearer {TOKEN}" for _, seen in hub.seen))
        listed = json.loads(program.run("list", "--all", "--json", env=environment).stdout)
        by_name = {model["name"]: model for model in listed}
        self.assertEqual("mit", by_name["tiny"]["licence"])
        self.assertTrue(by_name["tiny"]["installed"])
        self.assertFalse(by_name["llama-3.2-1b"]["installed"])
        shown = json.loads(program.run("show", "tiny", "--json", "--context", "64", "--users", "3",
                                       env=environment).stdout)
        self.assertEqual("hf:some/tiny-GGUF", shown["source"])
        memory = shown["memory"]
        self.assertEqual(memory["total_bytes"], memory["weight_bytes"] + memory["state_bytes"])
        self.assertEqual(3 * 64 * memory["kv_bytes_per_token"], memory["state_bytes"])
        answer = program.run("run", "tiny", "hi", "--max-tokens", "2", env=environment)
        self.assertEqual(0, answer.returncode, answer.stderr)
        self.assertEqual(2, program.run("rm", "tiny", env=environment).returncode)  # nobody to ask
        self.check_rm_under_a_server(environment)

    def check_rm_under_a_server(self, environment):
        with mock.patch.dict(os.environ, environment), program.Server("tiny") as server:
            done = program.run("rm", "tiny", "--yes", env=environment)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertFalse((self.home / "models/tiny").exists())
            status, text = server.post("/v1/completions", {"model": "tiny", "prompt": "hi",
                                                           "max_tokens": 2})
            self.assertEqual(200, status, text)

    def test_the_receipt_notices_what_changed_after_the_pull(self):
        with Hub(self.model) as hub:
            environment = self.environment(hub)
            program.run("pull", "some/tiny-GGUF", "--name", "tiny", env=environment)
        done = program.run("doctor", "--model", "tiny", "--json", env=environment)
        self.assertEqual(0, done.returncode, done.stdout)
        receipt = [f for f in json.loads(done.stdout)["findings"] if f["area"] == "model"]
        self.assertIn("as pulled from hf:some/tiny-GGUF", receipt[0]["text"])
        with open(self.home / "models/tiny/tiny.F32.gguf", "r+b") as file:
            file.seek(len(self.model) - 64)
            file.write(b"\0\0\xc0\x7f")  # NaN
        done = program.run("doctor", "--model", "tiny", env=environment)
        self.assertEqual(1, done.returncode)
        self.assertIn("SHA-256 differs", done.stdout)
        self.assertIn("1 NaN", done.stdout)

    def test_rm_stays_within_the_store(self):
        (self.home / "models").mkdir()
        (self.home / "precious").mkdir()
        (self.home / "precious/file").write_text("mine")
        (self.home / "models/link").symlink_to(self.home / "precious")
        for name in ("../precious", "..", ".", "/", "link", "precious", "", "models/link",
                     str(self.home / "precious")):
            done = program.run("rm", name, "--yes", env={"OVERTAKE_HOME": str(self.home)})
            self.assertNotEqual(0, done.returncode, name)
        self.assertEqual("mine", (self.home / "precious/file").read_text())

    def test_interrupt_keeps_what_has_come(self):
        with Hub(self.model) as hub:
            hub.slow = True
            process = subprocess.Popen([program.BINARY, "pull", "some/tiny-GGUF", "--name", "tiny"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env={**os.environ, **self.environment(hub)})
            part = self.home / "models/tiny/tiny.F32.gguf.part"
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not (part.exists() and part.stat().st_size):
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=10)
            self.assertEqual(130, process.returncode, stderr)
            self.assertIn("again to go on", stderr)
            kept = part.stat().st_size
            self.assertTrue(0 < kept < len(self.model))
            self.assertEqual([], json.loads(program.run("list", "--json",
                                                        env=self.environment(hub)).stdout))
            hub.slow = False
            done = program.run("pull", "some/tiny-GGUF", "--name", "tiny", "--json",
                               env=self.environment(hub))
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertLessEqual(json.loads(done.stdout)["fetched_bytes"], len(self.model) - kept)
            self.assertEqual(self.model, part.with_suffix("").read_bytes())

    def test_mistakes_are_explained(self):
        with Hub(self.model) as hub:
            for model, words in (("nonsense", "list --all"), ("https://x.example/a.bin", "pickle"),
                                 ("http://x.example/a.gguf", "https"), ("hf:../etc", "hf:OWNER/REPO"),
                                 ("https://x.example/a.txt", ".gguf"),
                                 ("some/absent", "spelling"), ("some/tiny-GGUF:Q4_K_M", "F32")):
                done = program.run("pull", model, env=self.environment(hub))
                self.assertIn(done.returncode, (1, 2), model)
                self.assertIn(words, done.stderr, model)
        done = program.run("run", "llama-3.2-1b", "hi", env={"OVERTAKE_HOME": str(self.home)})
        self.assertEqual(1, done.returncode)
        self.assertIn("overtake pull llama-3.2-1b", done.stderr)
        self.assertIn("GB", done.stderr)


if __name__ == "__main__":
    unittest.main()
