"""quantize: the program makes smaller files of golden folders, which still compute nearly the same,
and says what is wrong otherwise."""
import json
import pathlib
import re
import struct
import tempfile
import unittest
import unittest.mock

import program
import small_model

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "data" / "golden"
IDS = ",".join(str(12 + 7 * i % 240) for i in range(40))
FILE_TYPES = {"q8_0": 7, "q6_k": 18, "q5_k_m": 17, "q4_k_m": 15, "q4_k_s": 14, "q4_0": 2,
              "q3_k_m": 12, "iq4_xs": 30}


def wide_model():
    """The small model with rows that hold whole blocks of 256."""
    with unittest.mock.patch.multiple(small_model, WIDTH=256, FFN=256):
        return small_model.write(numbers={"llama.embedding_length": 256,
                                          "llama.feed_forward_length": 256,
                                          "llama.rope.dimension_count": 64})[0]


class Quantize(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.out = str(self.folder / "model.gguf")

    def quantize(self, model, *arguments, **settings):
        return program.run("quantize", str(model), self.out, *arguments, **settings)

    def logits(self, model):
        out = str(self.folder / "logits.safetensors")
        done = program.run("logits", str(model), "--ids", IDS, "--out", out)
        self.assertEqual(0, done.returncode, done.stderr)
        data = pathlib.Path(out).read_bytes()
        size, = struct.unpack_from("<Q", data)
        return struct.unpack_from(f"<{(len(data) - 8 - size) // 4}f", data, 8 + size)

    def difference(self, expected, actual):
        """Relative, of the whole list."""
        square = sum((a - b) ** 2 for a, b in zip(expected, actual, strict=True))
        return (square / sum(a * a for a in expected)) ** 0.5

    def assert_refused(self, done, *words, code=1):
        self.assertEqual(code, done.returncode, done.stderr)
        self.assertTrue(done.stderr.startswith("overtake: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual([], [f.name for f in self.folder.iterdir() if "gguf" in f.name])

    def test_every_type_computes_nearly_the_same(self):
        model = self.folder / "wide"
        model.write_bytes(wide_model())
        expected = self.logits(model)
        differences = {}
        for option, file_type in FILE_TYPES.items():
            done = self.quantize(model, "--type", option, "--force")
            self.assertEqual(0, done.returncode, done.stderr)
            name = option.removesuffix("_m").removesuffix("_s").upper()
            self.assertRegex(done.stdout, rf"blk\.1\.ffn_up\.weight +{name} .* %")
            self.assertIn(struct.pack("<II", 4, file_type),
                          pathlib.Path(self.out).read_bytes().split(b"general.file_type")[1][:8])
            differences[option] = self.difference(expected, self.logits(self.out))
            self.assertLess(differences[option], 0.02 if option == "q8_0" else 0.3, option)
        ranking = sorted(differences, key=differences.get)
        self.assertEqual(["q8_0", "q6_k", "q5_k_m"], ranking[:3])

    def test_rows_that_are_no_whole_blocks_get_a_type_of_shorter_ones(self):
        done = self.quantize(GOLDEN / "llama2-gqa", "--type", "q4_k_m")
        self.assertEqual(0, done.returncode, done.stderr)
        for tensor, kind in (("token_embd", "Q5_0"), ("output", "Q8_0"), ("blk.1.ffn_up", "Q5_0"),
                             ("blk.1.ffn_down", "F16")):
            self.assertRegex(done.stdout, rf"(?m)^{re.escape(tensor)}\.weight +{kind} ")
        difference = self.difference(self.logits(GOLDEN / "llama2-gqa"), self.logits(self.out))
        self.assertLess(difference, 0.5)

    def test_other_architectures_keep_their_tensors(self):
        for name in ("falcon-7b", "falcon-40b", "falcon-mamba", "falcon-h1"):
            done = self.quantize(GOLDEN / name, "--type", "q8_0", "--force")
            self.assertEqual(0, done.returncode, done.stderr)
            difference = self.difference(self.logits(GOLDEN / name), self.logits(self.out))
            self.assertLess(difference, 0.1, name)

    def test_the_bytes_do_not_depend_on_threads_or_instruction_set(self):
        files = []
        model = self.folder / "wide"
        model.write_bytes(wide_model())
        for threads, isa in (("1", "scalar"), ("2", "")):
            done = self.quantize(model, "--type", "q4_k_m", "--force",
                                 env={"OVERTAKE_THREADS": threads, "OVERTAKE_ISA": isa})
            self.assertEqual(0, done.returncode, done.stderr)
            files.append(pathlib.Path(self.out).read_bytes())
        self.assertEqual(files[0], files[1])

    def test_a_quantized_source_is_taken_with_a_warning(self):
        self.assertEqual(0, self.quantize(GOLDEN / "llama2-gqa", "--type", "q8_0").returncode)
        source = self.folder / "q8_0.gguf"
        pathlib.Path(self.out).rename(source)
        done = self.quantize(source, "--type", "q4_0")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("warning: ", done.stderr)
        self.assertIn("Q8_0", done.stderr)

    def test_calibration_keeps_what_the_text_needs(self):
        model, text = self.folder / "wide", self.folder / "text.txt"
        kept = self.folder / "kept.imatrix"
        model.write_bytes(wide_model())
        text.write_text("the thin hat in the tin then thaws in the inn " * 20)
        done = self.quantize(model, "--type", "q4_0", "--calibrate", str(text), "--imatrix-out",
                             str(kept))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"Read \d+ tokens")
        calibrated = pathlib.Path(self.out).read_bytes()
        done = self.quantize(model, "--type", "q4_0", "--imatrix", str(kept), "--force")
        self.assertEqual(0, done.returncode, done.stderr)
        again = pathlib.Path(self.out).read_bytes()
        self.assertEqual(len(calibrated), len(again))
        same = sum(a == b for a, b in zip(calibrated, again))
        self.assertGreater(same, 0.999 * len(again))  # means become sums and means again
        self.assertEqual(0, self.quantize(model, "--type", "q4_0", "--force").returncode)
        self.assertNotEqual(calibrated, pathlib.Path(self.out).read_bytes())

    def test_refuses_an_importance_matrix_of_another_model(self):
        other = self.folder / "other.imatrix"
        other.write_bytes(b"\1\0\0\0\3\0\0\0abc\1\0\0\0\1\0\0\0\0\0\x80\x3f")
        done = self.quantize(GOLDEN / "llama2-gqa", "--type", "q4_0", "--imatrix", str(other))
        self.assert_refused(done, "none of its tensors", code=2)
        other.write_bytes(b"\1\0\0\0\3\0\0\0abc\1")
        done = self.quantize(GOLDEN / "llama2-gqa", "--type", "q4_0", "--imatrix", str(other))
        self.assert_refused(done, "other.imatrix")

    def test_refuses_numbers_that_are_none_by_name(self):
        model = self.folder / "damaged"
        model.mkdir()
        for file in (GOLDEN / "llama2-gqa").iterdir():
            (model / file.name).write_bytes(file.read_bytes())
        weights = model / "model.safetensors"
        data = bytearray(weights.read_bytes())
        size, = struct.unpack_from("<Q", data)
        place = json.loads(data[8:8 + size])["model.layers.1.mlp.up_proj.weight"]["data_offsets"][0]
        struct.pack_into("<f", data, 8 + size + place + 20, float("inf"))
        weights.write_bytes(data)
        self.assert_refused(self.quantize(model, "--type", "q4_k_m"), "blk.1.ffn_up.weight",
                            "infinity", "row 0, column 5", code=2)

    def test_refuses_what_would_lose_a_file(self):
        self.assertEqual(0, self.quantize(GOLDEN / "llama2-gqa", "--type", "q8_0").returncode)
        before = pathlib.Path(self.out).read_bytes()
        done = self.quantize(GOLDEN / "llama2-gqa", "--type", "q4_0")
        self.assertEqual(2, done.returncode)
        self.assertIn("--force", done.stderr)
        done = self.quantize(self.out, "--type", "q4_0", "--force")
        self.assertEqual(2, done.returncode)
        self.assertIn("one file", done.stderr)
        self.assertEqual(before, pathlib.Path(self.out).read_bytes())

    def test_a_budget_is_kept_and_nearly_spent(self):
        model = self.folder / "wide"
        model.write_bytes(wide_model())
        text = self.folder / "text"
        text.write_text("The quick brown fox jumps over the lazy dog. " * 20)
        exact = self.logits(model)
        done = self.quantize(model, "--type", "q8_0")
        self.assertEqual(0, done.returncode, done.stderr)
        most = pathlib.Path(self.out).stat().st_size
        for extra in ([], ["--calibrate", str(text)]):
            budget = most * 8 // 10
            done = self.quantize(model, "--budget-gb", str(budget / 1e9), "--force", *extra)
            self.assertEqual(0, done.returncode, done.stderr)
            size = pathlib.Path(self.out).stat().st_size
            self.assertLessEqual(size, budget)
            self.assertGreater(size, budget * 0.95)
            self.assertGreater(len(set(re.findall(r"\bI?Q\d_\w+", done.stdout))), 1, done.stdout)
            self.assertLess(self.difference(exact, self.logits(self.out)), 0.1)
        done = self.quantize(model, "--budget-gb", "50", "--force")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertLessEqual(pathlib.Path(self.out).stat().st_size, most)

    def test_refuses_a_budget_that_cannot_be_kept(self):
        model = GOLDEN / "llama2-gqa"
        done = self.quantize(model, "--budget-gb", "0.000001")
        self.assert_refused(done, "--budget-gb", "smallest possible", code=2)
        least = re.search(r"give ([0-9.e-]+) or more", done.stderr).group(1)
        self.assertEqual(0, self.quantize(model, "--budget-gb", least).returncode)
        pathlib.Path(self.out).unlink()
        for size in ("0", "-1", "nan", "much"):
            self.assert_refused(self.quantize(model, f"--budget-gb={size}"), "--budget-gb", code=2)
        self.assert_refused(self.quantize(model, "--budget-gb", "1", "--type", "q8_0"),
                            "--type", "--budget-gb", code=2)

    def test_refuses_an_unknown_type(self):
        self.assert_refused(self.quantize(GOLDEN / "llama2-gqa", "--type", "q4_k"), "q4_k",
                            "q4_k_m", code=2)
        done = self.quantize(GOLDEN / "llama2-gqa")
        self.assertEqual(2, done.returncode)
        self.assertTrue(re.search("--type", done.stderr))


if __name__ == "__main__":
    unittest.main()
