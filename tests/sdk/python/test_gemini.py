"""The official google-genai package against a running `overtake serve`; run by ../run.sh."""
import asyncio
import os
import unittest

from google import genai
from google.genai import errors, types

URL = os.environ["OVERTAKE_TEST_URL"]
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()


def weather(city: str) -> str:
    """Tells the weather."""
    return city


class GeminiTest(unittest.TestCase):
    def setUp(self):
        self.client = genai.Client(api_key="any key is ignored",
                                   http_options=types.HttpOptions(base_url=URL))
        self.addCleanup(self.client.close)
        self.models = self.client.models

    def ask(self, contents="hi", **config):
        return self.models.generate_content(model="null", contents=contents, config=config)

    def assert_refused(self, code, status, words, call):
        with self.assertRaises(errors.ClientError) as caught:
            call()
        self.assertEqual((caught.exception.code, caught.exception.status), (code, status))
        self.assertIn(words, caught.exception.message)

    def test_answer(self):
        answer = self.ask()
        self.assertEqual(answer.text, " token" * 16)
        candidate, = answer.candidates
        self.assertEqual(candidate.content.role, "model")
        self.assertEqual(candidate.finish_reason, types.FinishReason.STOP)
        self.assertEqual(answer.usage_metadata.candidates_token_count, 16)
        self.assertEqual(answer.usage_metadata.total_token_count,
                         answer.usage_metadata.prompt_token_count + 16)
        self.assertEqual(answer.model_version, "null")
        self.assertTrue(answer.response_id)

    def test_stream(self):
        pieces = list(self.models.generate_content_stream(
            model="null", contents="hi", config={"max_output_tokens": 3}))
        self.assertEqual("".join(piece.text or "" for piece in pieces), " token" * 3)
        self.assertEqual(pieces[-1].candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
        self.assertEqual(pieces[-1].usage_metadata.candidates_token_count, 3)

    def test_config(self):
        answer = self.ask(system_instruction="be brief", temperature=0.5, top_p=0.9, top_k=40,
                          candidate_count=2, seed=1, stop_sequences=["n t"],
                          presence_penalty=0.5, frequency_penalty=0.5, max_output_tokens=9,
                          thinking_config={"include_thoughts": True, "thinking_budget": 0})
        self.assertEqual([each.content.parts[0].text for each in answer.candidates], [" toke"] * 2)

    def test_logprobs(self):
        answer = self.ask(max_output_tokens=2, response_logprobs=True, logprobs=1)
        result = answer.candidates[0].logprobs_result
        self.assertEqual([each.token for each in result.chosen_candidates], [" token"] * 2)

    def test_chat(self):
        chat = self.client.chats.create(model="null")
        self.assertEqual(chat.send_message("hi").text, " token" * 16)
        self.assertEqual(chat.send_message("and now?").text, " token" * 16)

    def test_tokens_and_models(self):
        self.assertEqual(self.models.count_tokens(model="null", contents="hi there").total_tokens,
                         2)
        self.assertIn("models/null", [model.name for model in self.models.list()])
        model = self.models.get(model="null")
        self.assertIn("generateContent", model.supported_actions)
        self.assertGreater(model.input_token_limit, 0)

    def test_errors(self):
        self.assert_refused(404, "NOT_FOUND", "other", lambda: self.models.generate_content(
            model="other", contents="hi"))
        self.assert_refused(400, "INVALID_ARGUMENT", "generationConfig.temperature",
                            lambda: self.ask(temperature=3))
        self.assert_refused(400, "INVALID_ARGUMENT", "generationConfig.temperature", lambda: list(
            self.models.generate_content_stream(model="null", contents="hi",
                                                config={"temperature": 3})))

    def test_what_is_unsupported_is_refused_by_name(self):
        image = types.Part.from_bytes(data=b"\xfb\xff\xfe", mime_type="image/png")
        for words, call in (
                ("contents.0.parts.1", lambda: self.ask(["what is it?", image])),
                ("tools", lambda: self.ask(tools=[weather])),
                ("tools", lambda: self.ask(tools=[{"google_search": {}}])),
                ("responseMimeType", lambda: self.ask(response_mime_type="application/json")),
                ("responseModalities", lambda: self.ask(response_modalities=["IMAGE"])),
                ("cachedContent", lambda: self.ask(cached_content="cachedContents/1"))):
            self.assert_refused(400, "INVALID_ARGUMENT", words, call)

    def test_async(self):
        async def ask():
            stream = await self.client.aio.models.generate_content_stream(
                model="null", contents="hi")
            text = "".join([piece.text or "" async for piece in stream])
            await self.client.aio.aclose()
            return text
        self.assertEqual(asyncio.run(ask()), " token" * 16)

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_real_model(self):
        question = {"model": "smollm2", "contents": "What is the capital of France?",
                    "config": {"temperature": 0, "max_output_tokens": 24}}
        whole = self.models.generate_content(**question)
        self.assertIn("Paris", whole.text)
        pieces = self.models.generate_content_stream(**question)
        self.assertEqual("".join(piece.text or "" for piece in pieces), whole.text)
        count = self.models.count_tokens(model="smollm2", contents=question["contents"])
        self.assertEqual(count.total_tokens, whole.usage_metadata.prompt_token_count)


if __name__ == "__main__":
    unittest.main()
