"""convert: the program makes GGUF files of golden folders, which compute the same, and says what is
wrong otherwise."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import program
import small_model

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "data" / "golden"
IDS = ",".join(str(12 + 7 * i % 300) for i in range(40))


def write_big_folder(folder):
    """A Llama whose weights are the zeros of a sparse file."""
    width, layers, vocab = 4096, 2, 16384
    config = {"model_type": "llama", "hidden_size": width, "num_hidden_layers": layers,
              "num_attention_heads": 32, "intermediate_size": width, "vocab_size": vocab}
    shapes = {"model.embed_tokens": [vocab, width], "lm_head": [vocab, width],
              "model.norm": [width]}
    for i in range(layers):
        layer = f"model.layers.{i}."
        shapes.update({layer + "input_layernorm": [width],
                       layer + "post_attention_layernorm": [width]})
        for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                     "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"):
            shapes[layer + name] = [width, width]
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name + ".weight"] = {"dtype": "BF16", "shape": shape,
                                    "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    (folder / "config.json").write_text(json.dumps(config))
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)


def write_tokenizer(folder):
    """A byte-level tokenizer of 256 bytes, three merges and two special tokens."""
    tokens = ["<s>", "</s>", *small_model.byte_characters(), "th", "the", "in"]
    special = [{"id": i, "content": tokens[i], "special": True, "single_word": False,
                "lstrip": False, "rstrip": False, "normalized": False} for i in (0, 1)]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": True}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": special, "normalizer": None, "pre_tokenizer": level,
        "post_processor": level, "decoder": level,
        "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)},
                  "merges": ["t h", "th e", "i n"], "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": "</s>", "chat_template":
        "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"}))


class Convert(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.out = str(self.folder / "model.gguf")

    def convert(self, model, *arguments, **settings):
        return program.run("convert", str(model), self.out, *arguments, **settings)

    def logits(self, model):
        out = str(self.folder / "logits.safetensors")
        done = program.run("logits", str(model), "--ids", IDS, "--out", out)
        self.assertEqual(0, done.returncode, done.stderr)
        return pathlib.Path(out).read_bytes()

    def assert_refused(self, done, *words, code=1):
        self.assertEqual(code, done.returncode, done.stderr)
        self.assertTrue(done.stderr.startswith("overtake: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual([], [f.name for f in self.folder.iterdir() if "gguf" in f.name])

    def test_the_file_computes_what_the_folder_does(self):
        for name in ("llama3-rope", "falcon-40b", "falcon-rw", "falcon-mamba"):
            done = self.convert(GOLDEN / name, "--force")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("F32", done.stdout)  # as the weights are stored
            self.assertIn("no tokenizer", done.stderr)
            self.assertEqual(self.logits(GOLDEN / name), self.logits(self.out), name)

    def test_show_describes_the_file(self):
        self.assertEqual(0, self.convert(GOLDEN / "falcon3", "--type", "q8_0").returncode)
        shown = json.loads(program.run("show", self.out, "--json").stdout)
        folder = json.loads(program.run("show", str(GOLDEN / "falcon3"), "--json").stdout)
        for key in ("parameters", "context_length", "n_layers", "width", "n_heads", "n_kv_heads",
                    "head_dim", "vocab_size", "ffn_width", "tokenizer", "chat_template", "runs"):
            self.assertEqual(folder[key], shown[key], key)
        self.assertEqual(("GGUF", "llama", "falcon3", "Q8_0"),
                         (shown["format"], shown["architecture"], shown["title"],
                          shown["types"][0]["type"]))

    def test_a_file_without_tokenizer_says_so_where_text_is_needed(self):
        self.assertEqual(0, self.convert(GOLDEN / "llama2-gqa").returncode)
        for command in (["run", self.out, "hello"], ["tokenize", self.out, "hello"]):
            done = program.run(*command)
            self.assertEqual(1, done.returncode, command)
            self.assertTrue(done.stderr.startswith("overtake: "), done.stderr)
            self.assertRegex(done.stderr, "no (tokenizer|vocabulary)")

    def test_the_tokenizer_and_the_template_come_along(self):
        model = self.folder / "with_tokenizer"
        shutil.copytree(GOLDEN / "llama2-gqa", model, symlinks=False)
        write_tokenizer(model)
        done = self.convert(model)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("no tokenizer", done.stderr)
        answers = []
        for path in (str(model), self.out):
            ids = program.run("tokenize", path, "the thin <s> naïve\n", "--ids")
            self.assertEqual(0, ids.returncode, ids.stderr)
            answer = program.run("run", path, "the", "--max-tokens", "8", "--temperature", "0",
                                 text=False)
            self.assertEqual(0, answer.returncode, answer.stderr)
            answers.append((ids.stdout, answer.stdout))
        self.assertEqual(answers[0], answers[1])

    def test_refuses_what_is_no_model(self):
        self.assert_refused(self.convert(self.folder / "nowhere"), "nowhere")
        self.assert_refused(self.convert(self.folder), "config.json")
        strange = self.folder / "strange"
        shutil.copytree(GOLDEN / "llama2-gqa", strange)
        config = json.loads((strange / "config.json").read_text())
        (strange / "config.json").write_text(json.dumps({**config, "model_type": "bittern"}))
        self.assert_refused(self.convert(strange), '"bittern"', "llama")
        (strange / "config.json").write_text(json.dumps({**config, "hidden_size": 128}))
        self.assert_refused(self.convert(strange), "expected", "tensor")

    def test_refuses_an_unknown_type(self):
        self.assert_refused(self.convert(GOLDEN / "llama2-gqa", "--type", "q4_k"), "q4_k",
                            "q8_0", code=2)

    def test_never_replaces_a_file_without_force(self):
        pathlib.Path(self.out).write_text("precious")
        done = self.convert(GOLDEN / "llama2-gqa")
        self.assertEqual(2, done.returncode)
        self.assertIn("--force", done.stderr)
        self.assertEqual("precious", pathlib.Path(self.out).read_text())
        self.assertEqual(0, self.convert(GOLDEN / "llama2-gqa", "--force").returncode)

    def test_a_full_disk_is_an_error_that_leaves_nothing(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        done = subprocess.run([program.BINARY, "convert", GOLDEN / "llama2-gqa", self.out],
                              capture_output=True, text=True, timeout=60, preexec_fn=limit)
        self.assert_refused(done, "the file takes", "--type")

    def test_an_interrupted_conversion_leaves_nothing(self):
        big = self.folder / "big"
        big.mkdir()
        write_big_folder(big)
        process = subprocess.Popen([program.BINARY, "convert", big, self.out, "--type", "q8_0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "OVERTAKE_THREADS": "1"})
        while process.poll() is None and not any("tmp" in f.name for f in self.folder.iterdir()):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        self.assertEqual(1, process.returncode, stderr)
        self.assertIn("overtake: interrupted", stderr)
        self.assertEqual(["big"], [f.name for f in self.folder.iterdir()])


if __name__ == "__main__":
    unittest.main()
