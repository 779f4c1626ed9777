"""`overtake run` and `overtake logits` with the real default model."""
import os
import pathlib
import tempfile
import unittest

import program

QUESTION = "What is the capital of France?"


class Chat(unittest.TestCase):
    def test_smollm2_says_paris(self):
        done = program.run("run", "smollm2", QUESTION, "--temperature", "0")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("Paris", done.stdout)

    def test_an_answer_in_a_pipe_is_text_alone(self):
        done = program.run("run", "smollm2", QUESTION, "--temperature", "0")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertNotIn("tokens/s", done.stdout)
        self.assertNotIn("<|im_end|>", done.stdout)

    def test_the_prompt_may_come_from_a_pipe(self):
        done = program.run("run", "smollm2", "--temperature", "0", stdin=QUESTION)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("Paris", done.stdout)

    def test_a_seed_repeats_its_text(self):
        def text(seed):
            return program.run("run", "smollm2", "Tell me a story.", "--temperature", "1", "--seed",
                               str(seed), "--max-tokens", "32").stdout
        self.assertEqual(text(7), text(7))
        self.assertNotEqual(text(7), text(8))

    def test_guessing_ahead_changes_no_text(self):
        question = ("Repeat this text: The Orlen rises in a bog behind Mount Tavra and reaches the "
                    "sea after 312 kilometres. In its upper course it is narrow and full of trout.")
        for temperature in "0", "0.8":
            done = [program.run("run", "smollm2", question, "--temperature", temperature, "--seed",
                                "3", "--max-tokens", "60", "--speed", *how)
                    for how in ([], ["--no-speculation"])]
            self.assertEqual(done[0].stdout, done[1].stdout)
            self.assertNotIn("guessed ahead", done[1].stderr)
            if temperature == "0":
                self.assertIn("guessed ahead", done[0].stderr)

    def test_max_tokens_bounds_the_answer(self):
        long = program.run("run", "smollm2", "Count to fifty.", "--temperature", "0").stdout
        short = program.run("run", "smollm2", "Count to fifty.", "--temperature", "0",
                            "--max-tokens", "3").stdout
        self.assertLess(len(short), len(long))
        self.assertTrue(long.startswith(short.strip()), (short, long))

    def test_a_prompt_that_does_not_fit_is_refused(self):
        done = program.run("run", "smollm2", "word " * 9000, "--max-tokens", "1")
        self.assertEqual(1, done.returncode)
        self.assertIn("context", done.stderr)

    def test_logits_are_written_for_every_position(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "logits.safetensors")
            done = program.run("logits", "smollm2", "--ids", "1,2,3", "--out", out)
            self.assertEqual(0, done.returncode, done.stderr)
            data = pathlib.Path(out).read_bytes()
            self.assertIn(b'"logits"', data[:4096])
            self.assertGreater(len(data), 3 * 49152 * 4)
