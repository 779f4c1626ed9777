"""A draft model changes what an answer costs, never the answer; one that can't serve is refused."""
import json
import pathlib
import tempfile
import unittest

import program
import small_model

PROMPT = "Name three colours of the rainbow."
ANSWER = ["--temperature", "0", "--max-tokens", "24"]


class Draft(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def test_the_answer_is_that_of_the_model_alone(self):
        alone = program.run("run", "smollm2", PROMPT, *ANSWER)
        drafted = program.run("run", "smollm2", PROMPT, *ANSWER, "--draft", "smollm2", "--speed")
        self.assertEqual(0, drafted.returncode, drafted.stderr)
        self.assertEqual(alone.stdout, drafted.stdout)
        self.assertIn("24 tokens", drafted.stderr)

    def test_a_server_with_a_draft_model_answers_the_same(self):
        body = {"model": "smollm2", "messages": [{"role": "user", "content": PROMPT}],
                "temperature": 0, "max_tokens": 24}
        answers = []
        for arguments in (["smollm2"], ["smollm2", "--draft", "smollm2"]):
            with program.Server(*arguments) as server:
                status, answer = server.post("/v1/chat/completions", body)
                self.assertEqual(200, status, answer)
                answers.append(json.loads(answer)["choices"][0]["message"]["content"])
        self.assertTrue(answers[0])
        self.assertEqual(answers[0], answers[1])

    def test_another_vocabulary_is_refused_by_its_first_difference(self):
        small = self.folder / "small.gguf"
        small.write_bytes(small_model.write()[0])
        done = program.run("run", "smollm2", PROMPT, *ANSWER, "--draft", str(small))
        self.assertEqual(2, done.returncode)
        self.assertRegex(done.stderr, r"overtake: token \d+ is .* in the draft model; .*vocabulary")
        self.assertEqual("", done.stdout)

    def test_a_draft_model_that_is_not_there_is_an_error(self):
        done = program.run("run", "smollm2", PROMPT, *ANSWER, "--draft", "no-such-model")
        self.assertEqual(1, done.returncode)
        self.assertIn("no-such-model", done.stderr)
