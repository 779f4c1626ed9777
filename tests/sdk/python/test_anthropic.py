"""The official anthropic package against a running `overtake serve`; run by ../run.sh."""
import asyncio
import os
import unittest

import anthropic

URL = os.environ["OVERTAKE_TEST_URL"]
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()
GREEDY = {"temperature": 0}  # the package has no word for it any more
HI = [{"role": "user", "content": "hi"}]
TOOL = {"name": "weather", "description": "Tells the weather.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


class AnthropicTest(unittest.TestCase):
    def setUp(self):
        self.client = anthropic.Anthropic(base_url=URL, api_key="any key is ignored",
                                          max_retries=0)
        self.addCleanup(self.client.close)

    def ask(self, **fields):
        return self.client.messages.create(
            **{"model": "null", "max_tokens": 16, "messages": HI, **fields})

    def assert_refused(self, error_class, words, call):
        with self.assertRaises(error_class) as caught:
            call()
        self.assertEqual(caught.exception.body["type"], "error")
        self.assertIn(words, caught.exception.body["error"]["message"])
        self.assertRegex(caught.exception.request_id, r"^[0-9a-f-]{36}$")

    def test_answer(self):
        message = self.ask()
        self.assertTrue(message.id.startswith("msg_"))
        self.assertRegex(message._request_id, r"^[0-9a-f-]{36}$")
        self.assertEqual((message.type, message.role, message.model),
                         ("message", "assistant", "null"))
        block, = message.content
        self.assertEqual((block.type, block.text), ("text", " token" * 16))
        self.assertEqual(message.stop_reason, "max_tokens")
        self.assertIsNone(message.stop_sequence)
        self.assertEqual(message.usage.output_tokens, 16)
        self.assertEqual(message.usage.input_tokens, 1)
        self.assertEqual(message.usage.cache_read_input_tokens, 0)

    def test_stop_sequence(self):
        message = self.ask(stop_sequences=["ken to"])
        self.assertEqual(message.content[0].text, " to")
        self.assertEqual((message.stop_reason, message.stop_sequence), ("stop_sequence", "ken to"))

    def test_events_of_a_stream(self):
        with self.ask(stream=True, max_tokens=2) as stream:
            types = [event.type for event in stream]
        self.assertEqual(types, ["message_start", "content_block_start", "content_block_delta",
                                 "content_block_delta", "content_block_stop", "message_delta",
                                 "message_stop"])

    def test_stream_helper(self):
        with self.client.messages.stream(model="null", max_tokens=5, messages=HI,
                                         stop_sequences=["never"]) as stream:
            self.assertEqual("".join(stream.text_stream), " token" * 5)
            final = stream.get_final_message()
        self.assertEqual(final.content[0].text, " token" * 5)
        self.assertEqual(final.stop_reason, "max_tokens")
        self.assertEqual(final.usage.output_tokens, 5)
        self.assertEqual(final.usage.input_tokens, 1)

    def test_the_beta_client(self):
        message = self.client.beta.messages.create(model="null", max_tokens=1, messages=HI,
                                                   betas=["context-1m-2025-08-07"])
        self.assertEqual(message.content[0].text, " token")

    def test_counts_tokens(self):
        counted = self.client.messages.count_tokens(
            model="null", system="12345678", messages=[{"role": "user", "content": "1234"}])
        self.assertEqual(counted.input_tokens, 3)

    def test_a_bearer_token_is_as_good(self):
        with anthropic.Anthropic(base_url=URL, auth_token="x", max_retries=0) as client:
            client.messages.create(model="null", max_tokens=1, messages=HI)

    def test_history_with_thoughts_and_tools(self):
        message = self.ask(
            system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            tools=[TOOL], tool_choice={"type": "none"},
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=[
                {"role": "user", "content": "weather in Paris?"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "I look", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "P"}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "is_error": True,
                     "content": [{"type": "text", "text": "no answer"}]},
                    {"type": "text", "text": "and now?"}]}])
        self.assertEqual(message.usage.output_tokens, 16)

    def test_what_the_model_can_not_do(self):
        image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
        document = {"type": "document", "source": {"type": "text", "media_type": "text/plain",
                                                   "data": "x"}}
        text = {"type": "text", "text": "a"}
        for words, fields in (
                ("tools.0: null does not support tool calls", {"tools": [TOOL]}),
                ("messages.0.content.1: null does not support images",
                 {"messages": [{"role": "user", "content": [text, image]}]}),
                ("messages.0.content.0: null does not support files",
                 {"messages": [{"role": "user", "content": [document]}]}),
                ("output_config.format: null does not support",
                 {"output_config": {"format": {"type": "json_schema", "schema": {}}}})):
            self.assert_refused(anthropic.BadRequestError, words, lambda: self.ask(**fields))

    def test_errors(self):
        self.assert_refused(anthropic.BadRequestError, "temperature: expected a number",
                            lambda: self.ask(extra_body={"temperature": 3}))
        self.assert_refused(anthropic.NotFoundError, '"claude-x" is not served here',
                            lambda: self.ask(model="claude-x"))
        self.assert_refused(anthropic.BadRequestError, "context",
                            lambda: self.ask(messages=[{"role": "user", "content": "x" * 600_000}]))
        self.assert_refused(anthropic.RequestTooLargeError, "",
                            lambda: self.ask(system="x" * (17 << 20)))
        self.assert_refused(anthropic.NotFoundError, "there is no",
                            lambda: self.client.messages.batches.retrieve("x"))

    def test_models(self):
        names = [model.id for model in self.client.models.list()]
        self.assertIn("null", names)
        model = self.client.models.retrieve("null")
        self.assertEqual((model.type, model.display_name, model.created_at.tzinfo is not None),
                         ("model", "null", True))
        self.assert_refused(anthropic.NotFoundError, "not served here",
                            lambda: self.client.models.retrieve("x"))

    def test_many_at_once(self):
        async def all_of_them():
            async with anthropic.AsyncAnthropic(base_url=URL, api_key="x",
                                                max_retries=0) as client:
                return await asyncio.gather(*[
                    client.messages.create(model="null", max_tokens=n + 1, messages=HI)
                    for n in range(50)])

        self.assertEqual([answer.usage.output_tokens for answer in asyncio.run(all_of_them())],
                         list(range(1, 51)))

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_smollm2_knows_paris(self):
        question = {"model": "smollm2", "max_tokens": 24, "extra_body": GREEDY,
                    "messages": [{"role": "user", "content": "What is the capital of France?"}]}
        answer = self.client.messages.create(**question)
        self.assertIn("Paris", answer.content[0].text)
        with self.client.messages.stream(**question) as stream:
            self.assertEqual(stream.get_final_text(), answer.content[0].text)
        counted = self.client.messages.count_tokens(model="smollm2", messages=question["messages"])
        self.assertEqual(counted.input_tokens,
                         answer.usage.input_tokens + answer.usage.cache_read_input_tokens)

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_smollm2_goes_on_where_the_answer_begins(self):
        answer = self.client.messages.create(
            model="smollm2", max_tokens=8, extra_body=GREEDY,
            messages=[{"role": "user", "content": "What is the capital of France?"},
                      {"role": "assistant", "content": "The capital of France is"}])
        self.assertTrue(answer.content[0].text.startswith(" Paris"), answer.content[0].text)


if __name__ == "__main__":
    unittest.main()
