"""list, show, doctor, and how the command line answers to mistakes."""
import json
import tempfile
import unittest

import program


class Commands(unittest.TestCase):
    def test_list_names_the_default_model(self):
        done = program.run("list")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("smollm2", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        models = json.loads(program.run("list", "--json").stdout)
        found = [m for m in models if m["name"] == "smollm2"]
        self.assertEqual(("llama", "Q4_1", 8192), tuple(
            found[0][k] for k in ("architecture", "quantization", "context_length")))

    def test_list_of_an_empty_store_says_how_to_fill_it(self):
        with tempfile.TemporaryDirectory() as home:
            done = program.run("list", env={"OVERTAKE_HOME": home})
            self.assertEqual(0, done.returncode)
            self.assertIn("overtake pull", done.stdout)
            self.assertEqual([], json.loads(
                program.run("list", "--json", env={"OVERTAKE_HOME": home}).stdout))

    def test_show_tells_shape_memory_and_licence(self):
        shown = json.loads(program.run("show", "--json").stdout)
        self.assertEqual(30, shown["n_layers"])
        self.assertEqual(134515008, shown["parameters"])
        self.assertEqual("apache-2.0", shown["licence"])
        self.assertTrue(shown["chat_template"] and shown["runs"])
        self.assertEqual(30 * 3 * 64 * 2 * 2, shown["memory"]["kv_bytes_per_token"])
        self.assertEqual("f16", shown["memory"]["kv_cache_type"])

    def test_show_tells_the_memory_of_8_bit_keys_and_values(self):
        load = ["show", "--json", "--context", "4096", "--users", "3", "--kv-cache-type"]
        halves = json.loads(program.run(*load, "f16").stdout)["memory"]
        bytes_ = json.loads(program.run(*load, "q8_0").stdout)["memory"]
        self.assertEqual("q8_0", bytes_["kv_cache_type"])
        self.assertEqual(34 * halves["state_bytes"], 64 * bytes_["state_bytes"])
        refused = program.run("show", "--kv-cache-type", "q3_k")
        self.assertIn("--kv-cache-type; use f16, q8_0 or f32", refused.stderr)

    def test_doctor_finds_a_whole_machine_or_says_what_is_missing(self):
        done = program.run("doctor", "--json")
        report = json.loads(done.stdout)
        self.assertEqual(0 if report["healthy"] else 1, done.returncode)
        self.assertEqual({"machine", "files", "settings"}, {f["area"] for f in report["findings"]})

    def test_doctor_fails_without_the_default_model(self):
        with tempfile.TemporaryDirectory() as home:
            done = program.run("doctor", env={"OVERTAKE_HOME": home})
            self.assertEqual(1, done.returncode)
            self.assertIn("overtake pull", done.stdout)

    def test_mistakes_are_errors_in_words(self):
        for arguments in (["nonsense"], ["run", "--no-such-option"], ["serve", "--port", "99999"]):
            done = program.run(*arguments)
            self.assertEqual(2, done.returncode, arguments)
            self.assertTrue(done.stderr.startswith("overtake: "), done.stderr)
        done = program.run("show", "no-such-model")
        self.assertEqual(1, done.returncode)
        self.assertTrue(done.stderr.startswith("overtake: "), done.stderr)

    def test_no_argument_prints_a_short_help(self):
        done = program.run()
        self.assertEqual(0, done.returncode)
        self.assertIn("serve", done.stdout)
        self.assertLess(len(done.stdout.splitlines()), 40)
