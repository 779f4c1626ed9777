"""bench: the members that other people's scripts rely on, and that shares are what they say. Nothing
here depends on how fast the machine is."""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import unittest

import program
import small_model

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests/data/golden"
PLAN = ["-p", "40", "-n", "6", "--repeats", "3"]


def bench(model, *arguments, env=None):
    done = program.run("bench", str(model), *arguments, "--json", env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Bench(unittest.TestCase):
    def check_phase(self, result, name, n):
        phase, limits = result[name], result["limits"]
        self.assertEqual(n, phase["n"])
        self.assertEqual(result["repeats"], len(phase["samples"]))
        middle = statistics.median(phase["samples"])
        self.assertAlmostEqual(middle, phase["tokens_per_s"], delta=middle * 1e-9)
        spread = (max(phase["samples"]) - min(phase["samples"])) / middle
        self.assertAlmostEqual(spread, phase["spread"], places=9)
        # What stood before and could not be kept is read again.
        again = result["depth"] - phase["cached"] if name == "prefill" else 0
        seconds = (n + again) * result["batch"] / middle
        least = phase["bytes"] / (limits["read_gb_s"] * 1e9)
        if phase["bound_by"] != "read_gb_s":
            least = phase["operations"] / (limits[phase["bound_by"]] * 1e12)
        self.assertAlmostEqual(min(1, least / seconds), phase["share"], places=9)

    def check_result(self, result, n_prompt=40, n_new=6):
        self.assertGreater(result["file_bytes"], 0)
        self.assertGreater(result["threads"], 0)
        self.assertGreaterEqual(result["peak_rss_bytes"], result["rest_rss_bytes"])
        self.assertGreater(result["rest_rss_bytes"], 0)
        self.assertGreater(result["first_token_s"], result["load_s"])
        self.assertLessEqual(result["check"]["mean_kl"], result["check"]["bound"])
        for name in ("read_gb_s", "int8_tops", "bf16_tflops"):
            self.assertGreater(result["limits"][name], 0, name)
        self.check_phase(result, "prefill", n_prompt)
        self.check_phase(result, "decode", n_new)

    def test_json_has_speeds_limits_and_shares(self):
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(small_model.write()[0])
            file.flush()
            result = bench(file.name, *PLAN)
            self.assertEqual(pathlib.Path(file.name).stem, result["model"])
            self.assertEqual("f32", result["kv_cache_type"])  # as its weights
            bytes_ = bench(file.name, *PLAN, "--kv-cache-type", "q8_0")
            self.assertEqual("q8_0", bytes_["kv_cache_type"])
            self.check_result(bytes_)
            self.assertEqual(pathlib.Path(file.name).stat().st_size, result["file_bytes"])
            self.check_result(result)
            result = bench(file.name, *PLAN, env={"OVERTAKE_ISA": "scalar", "OVERTAKE_THREADS": "1"})
            self.assertEqual(("scalar", 1), (result["isa"], result["threads"]))
            self.check_result(result)

    def test_a_falcon_is_measured_after_other_tokens_and_in_a_batch(self):
        for name in ("falcon-7b", "falcon-h1"):
            result = bench(GOLDEN / name, *PLAN, "-d", "64", "--batch", "3")
            self.assertEqual((64, 3), (result["depth"], result["batch"]))
            self.check_result(result)

    def test_only_one_phase_if_asked_so(self):
        result = bench(GOLDEN / "llama2-gqa", "-p", "0", "-n", "2", "--repeats", "1")
        self.assertIsNone(result["prefill"])
        self.assertEqual(2, result["decode"]["n"])

    def test_a_person_gets_a_table(self):
        done = program.run("bench", str(GOLDEN / "llama2-gqa"), *PLAN)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"prefill +40 +[\d.]+ +[\d.]+ %")
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_limits_alone_need_no_model(self):
        done = program.run("bench", "--limits", "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        found = json.loads(done.stdout)
        peaks = {p["instruction"]: p["tera_operations_s"] for p in found["instructions"] if p["used"]}
        self.assertTrue(all(value > 0 for value in peaks.values()))
        self.assertIn(found["limits"]["int8_tops"], peaks.values())
        self.assertEqual(found["limits"]["int8_tops"], peaks[found["limits"]["instructions"]["int8"]])

    def test_mistakes_are_errors_in_words(self):
        with_nothing = program.run("bench", str(GOLDEN / "llama2-gqa"), "-p", "0", "-n", "0")
        self.assertEqual(2, with_nothing.returncode)
        self.assertTrue(with_nothing.stderr.startswith("overtake: nothing to measure"))
        missing = program.run("bench", "no-such-model")
        self.assertEqual(1, missing.returncode)

    def test_make_bench_writes_its_page_with_a_peer_beside_every_number(self):
        with tempfile.TemporaryDirectory() as folder:
            model, page = pathlib.Path(folder, "tiny.gguf"), pathlib.Path(folder, "page.md")
            model.write_bytes(small_model.write()[0])
            page.write_text("before\n")
            peer = ROOT / "tools/fake_llama_bench.py"
            subprocess.run([ROOT / "tools/bench.py", "--quick", "--only", "models", "--models", model,
                            "--page", page, "--program", program.BINARY], check=True,
                           stdout=subprocess.DEVNULL, env={**os.environ, "PEER_BENCH": str(peer)})
            text = page.read_text()
            self.assertTrue(text.startswith("before\n"))
            self.assertRegex(text, r"\| tiny \| prefill 16 \| [\d,.]+ \| 0.0 % \| .* \| 1,000 \| ")
            self.assertRegex(text, r"\| tiny \| decode 4 \| .* \| 600 \| `-t \d+ -fa 1 --repack 0` ")


if __name__ == "__main__":
    unittest.main()
