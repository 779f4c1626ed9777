"""The official ollama package against a running `overtake serve`; run by ../run.sh."""
import asyncio
import os
import unittest

import ollama

URL = os.environ["OVERTAKE_TEST_URL"]
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()
HI = [{"role": "user", "content": "hi"}]
PIXEL = b"\x89PNG\r\n\x1a\n"


def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: where
    """
    return city


class OllamaTest(unittest.TestCase):
    def setUp(self):
        self.client = ollama.Client(host=URL)
        self.addCleanup(self.client.close)

    def assert_refused(self, status, words, call):
        with self.assertRaises(ollama.ResponseError) as caught:
            call()
        self.assertEqual(caught.exception.status_code, status)
        self.assertIn(words, caught.exception.error)

    def test_chat(self):
        answer = self.client.chat("null", HI)
        self.assertEqual(answer.model, "null")
        self.assertEqual(answer.message.role, "assistant")
        self.assertEqual(answer.message.content, " token" * 16)
        self.assertIsNone(answer.message.tool_calls)
        self.assertTrue(answer.done)
        self.assertEqual(answer.done_reason, "stop")
        self.assertEqual(answer.eval_count, 16)
        self.assertGreater(answer.prompt_eval_count, 0)
        self.assertGreater(answer.eval_duration, 0)
        self.assertGreaterEqual(answer.total_duration,
                                answer.prompt_eval_duration + answer.eval_duration)

    def test_chat_streams(self):
        parts = list(self.client.chat("null", HI, stream=True, options={"num_predict": 3}))
        self.assertEqual([part.message.content for part in parts], [" token"] * 3 + [""])
        self.assertEqual([part.done for part in parts], [False] * 3 + [True])
        self.assertEqual(parts[-1].done_reason, "length")
        self.assertEqual(parts[-1].eval_count, 3)

    def test_generate(self):
        answer = self.client.generate("null", "hi", system="be brief", keep_alive="5m",
                                      options={"num_predict": 2, "num_ctx": 512, "seed": 1,
                                               "temperature": 0, "repeat_penalty": 1.1})
        self.assertEqual(answer.response, " token" * 2)
        self.assertEqual(answer.done_reason, "length")
        parts = list(self.client.generate("null", "hi", raw=True, stream=True))
        self.assertEqual("".join(part.response for part in parts), " token" * 16)

    def test_stop(self):
        answer = self.client.generate("null", "hi", options={"stop": ["n t"]})
        self.assertEqual((answer.response, answer.done_reason), (" toke", "stop"))

    def test_logprobs(self):
        answer = self.client.chat("null", HI, logprobs=True, top_logprobs=1,
                                  options={"num_predict": 2})
        self.assertEqual([token.token for token in answer.logprobs], [" token"] * 2)
        self.assertEqual(answer.logprobs[0].top_logprobs[0].token, " token")

    def test_loads(self):
        self.assertEqual(self.client.generate("null").done_reason, "load")
        self.assertEqual(self.client.chat("null").done_reason, "load")

    def test_models(self):
        names = [model.model for model in self.client.list().models]
        self.assertIn("null:latest", names)
        self.assertIn("null:latest", [model.model for model in self.client.ps().models])
        show = self.client.show("null:latest")
        self.assertEqual(show.capabilities, ["completion", "embedding"])
        self.assertEqual(self.client.chat("null:latest", HI).model, "null")

    def test_errors(self):
        self.assert_refused(404, "other", lambda: self.client.chat("other", HI))
        self.assert_refused(404, "other", lambda: self.client.show("other"))
        self.assert_refused(400, "options.temperature",
                            lambda: self.client.chat("null", HI, options={"temperature": -1}))
        self.assert_refused(400, "options.temperature", lambda: list(
            self.client.chat("null", HI, stream=True, options={"temperature": -1})))
        self.assert_refused(404, "/api/pull", lambda: self.client.pull("null"))

    def test_what_is_unsupported_is_refused_by_name(self):
        chat, generate = self.client.chat, self.client.generate
        self.assert_refused(400, "format", lambda: chat("null", HI, format="json"))
        self.assert_refused(400, "format", lambda: chat("null", HI, format={"type": "object"}))
        self.assert_refused(400, "tools", lambda: chat("null", HI, tools=[weather]))
        self.assert_refused(400, "messages[0].images", lambda: chat(
            "null", [{"role": "user", "content": "x", "images": [PIXEL]}]))
        self.assert_refused(400, "images", lambda: generate("null", "x", images=[PIXEL]))
        self.assert_refused(400, "suffix", lambda: generate("null", "x", suffix="y"))
        self.assert_refused(400, "context", lambda: generate("null", "x", context=[1]))
        self.assert_refused(400, "options.mirostat",
                            lambda: chat("null", HI, options={"mirostat": 2}))

    def test_async(self):
        async def ask():
            async with ollama.AsyncClient(host=URL) as client:
                parts = [part async for part in await client.chat("null", HI, stream=True)]
            return "".join(part.message.content for part in parts)
        self.assertEqual(asyncio.run(ask()), " token" * 16)

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_real_model(self):
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        options = {"temperature": 0, "num_predict": 24}
        whole = self.client.chat("smollm2:latest", messages, options=options)
        self.assertIn("Paris", whole.message.content)
        parts = list(self.client.chat("smollm2", messages, stream=True, options=options))
        self.assertEqual("".join(part.message.content for part in parts), whole.message.content)
        plain = self.client.generate("smollm2", messages[0]["content"], options=options)
        self.assertEqual(plain.response, whole.message.content)
        show = self.client.show("smollm2")
        self.assertEqual(show.modelinfo["general.architecture"], "llama")
        self.assertGreater(show.modelinfo["llama.context_length"], 0)


if __name__ == "__main__":
    unittest.main()
