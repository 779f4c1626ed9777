#!/usr/bin/env python3
"""bench.py takes the peer at its best, counts samples right, and leaves the page's own words."""
import pathlib
import tempfile
import unittest
from unittest import mock

import bench
import bench_page
import bench_peer
import get_peer

FAKE = pathlib.Path(__file__).with_name("fake_llama_bench.py")


class Peers(unittest.TestCase):
    def setUp(self):
        self.peer = bench_peer.Peer(FAKE, "fake")

    def test_every_combination_of_settings_is_tried(self):
        settings = self.peer.settings(8)
        self.assertEqual(2 * 2 * 2, len(settings))
        self.assertIn(["-t", "4", "-fa", "0", "--repack", "1"], settings)
        self.assertEqual(4, len(self.peer.settings(2)))  # all threads, or they would be too few

    def test_the_best_setting_is_that_of_the_phase(self):
        case = bench.Case(prompt=16, new=8)
        best = self.peer.best_setting("m.gguf", case, "decode", 2)
        self.assertEqual(["-t", "2", "-fa", "1", "--repack", "0"], best)
        samples = self.peer.run("m.gguf", case.only("decode"), best, 3)
        self.assertEqual({"prefill": [], "decode": [600, 601, 602]}, samples)

    def test_both_phases_come_apart(self):
        samples = self.peer.run("m.gguf", bench.Case(prompt=16, new=8, depth=32), [], 1)
        self.assertEqual(1, len(samples["prefill"]))
        self.assertEqual(1, len(samples["decode"]))

    def test_a_peer_that_fails_leaves_its_place_empty(self):
        class Broken(bench_peer.Peer):
            def run(self, *_):
                raise OSError("broken")
        models = bench.Models(Broken(FAKE, "fake"), 2, quick=True)
        run = [{"decode": {"tokens_per_s": 1}}]
        with mock.patch("bench.overtake", return_value=run), mock.patch("builtins.print"):
            results, samples, _ = models.turns("m.gguf", bench.Case(new=8))
        self.assertEqual(([run], {"decode": []}), (results, samples))

    def test_without_a_batched_bench_batches_have_no_peer(self):
        models = bench.Models(self.peer, 2, quick=True)
        self.assertFalse(models.peer_can(bench.Case(new=8, batch=4)))
        self.assertTrue(models.peer_can(bench.Case(new=8, depth=64)))

    def test_the_build_uses_what_the_processor_has(self):
        flags = {"avx", "avx2", "fma", "f16c", "bmi2", "avx_vnni"}
        plain = get_peer.options_for(flags, amx=True)
        self.assertTrue(plain["GGML_AVX2"] and plain["GGML_AVX_VNNI"])
        self.assertFalse(plain["GGML_AVX512"] or plain["GGML_AMX_INT8"])
        flags |= {"avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw", "avx512_vnni",
                  "amx_tile", "amx_int8", "amx_bf16"}
        self.assertTrue(get_peer.options_for(flags, amx=True)["GGML_AMX_INT8"])
        self.assertFalse(get_peer.options_for(flags, amx=False)["GGML_AMX_INT8"])


class Page(unittest.TestCase):
    def test_all_samples_of_all_rounds_make_one_row(self):
        runs = [{"decode": {"tokens_per_s": m, "samples": [m - 1, m + 1], "share": m / 100,
                            "bound_by": "read_gb_s"}} for m in (30, 10, 20)]
        row = bench.merge(runs, "decode")
        self.assertEqual(20, row["tokens_per_s"])
        self.assertEqual((31 - 9) / 20, row["spread"])
        self.assertEqual(0.2, row["share"])

    def test_a_row_has_the_peer_beside_it_or_a_dash(self):
        ours = {"tokens_per_s": 300, "spread": 0.02, "share": 0.5, "bound_by": "int8_tops"}
        row = {"model": "m", "what": "decode 8", "overtake": ours}
        self.assertEqual(["m", "decode 8", "300", "2.0 %", "50 % of int8", "-", "-", "-"],
                         bench_page.result_cells(row))
        row["peer"] = {"tokens_per_s": 200, "setting": "-t 2"}
        self.assertEqual(["200", "`-t 2`", "**1.50**"], bench_page.result_cells(row)[5:])

    def test_words_around_the_made_part_stay(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            page.write_text("# Title\n\nbefore\n")
            bench_page.write(page, "first \\1\n")
            page.write_text(page.read_text() + "\nafter\n")
            bench_page.write(page, "second\n")
            text = page.read_text()
            self.assertTrue(text.startswith("# Title\n\nbefore\n\n" + bench_page.BEGIN))
            self.assertTrue(text.endswith(bench_page.END + "\n\nafter\n"))
            self.assertIn("second", text)
            self.assertNotIn("first", text)


if __name__ == "__main__":
    unittest.main()
