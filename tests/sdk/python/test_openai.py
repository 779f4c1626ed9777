"""The official openai package against a running `overtake serve`; run by ../run.sh."""
import asyncio
import os
import time
import unittest

import openai

URL = os.environ["OVERTAKE_TEST_URL"] + "/v1"
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()
HI = [{"role": "user", "content": "hi"}]


def server_log():
    with open(os.environ["OVERTAKE_TEST_LOG"], encoding="utf-8") as file:
        return file.read()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.client = openai.OpenAI(base_url=URL, api_key="any key is ignored", max_retries=0)
        self.addCleanup(self.client.close)

    def chat(self, **fields):
        return self.client.chat.completions.create(**{"model": "null", "messages": HI, **fields})

    def text(self, **fields):
        return self.client.completions.create(**{"model": "null", "prompt": "hi", **fields})


class ChatTest(ClientTest):
    def test_answer(self):
        raw = self.client.chat.completions.with_raw_response.create(model="null", messages=HI)
        self.assertRegex(raw.headers["x-request-id"], r"^[0-9a-f-]{36}$")
        answer = raw.parse()
        self.assertEqual(answer.object, "chat.completion")
        self.assertTrue(answer.id.startswith("chatcmpl-"))
        self.assertEqual(answer.model, "null")
        self.assertLess(abs(answer.created - time.time()), 60)
        choice, = answer.choices
        self.assertEqual(choice.message.role, "assistant")
        self.assertEqual(choice.message.content, " token" * 16)
        self.assertIsNone(choice.message.refusal)
        self.assertIsNone(choice.message.tool_calls)
        self.assertIsNone(choice.logprobs)
        self.assertEqual(choice.finish_reason, "stop")
        self.assertEqual(answer.usage.completion_tokens, 16)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 16)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 0)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 0)

    def test_stream(self):
        chunks = list(self.chat(stream=True, max_completion_tokens=3))
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        self.assertEqual({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual([chunk.choices[0].delta.content for chunk in chunks[1:-1]], [" token"] * 3)
        self.assertEqual([chunk.choices[0].finish_reason for chunk in chunks],
                         [None] * 4 + ["length"])
        self.assertIsNone(chunks[-1].choices[0].delta.content)
        self.assertTrue(all(chunk.usage is None for chunk in chunks))

    def test_stream_with_usage(self):
        chunks = list(self.chat(stream=True, max_tokens=2, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, 2)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))

    def test_stream_helper(self):
        with self.client.chat.completions.stream(model="null", messages=HI, logprobs=True,
                                                 stream_options={"include_usage": True}) as stream:
            text = "".join(event.delta for event in stream if event.type == "content.delta")
            final = stream.get_final_completion()
        self.assertEqual(text, " token" * 16)
        self.assertEqual(final.choices[0].message.content, text)
        self.assertEqual(len(final.choices[0].logprobs.content), 16)
        self.assertEqual(final.usage.completion_tokens, 16)

    def test_logprobs(self):
        answer = self.chat(logprobs=True, top_logprobs=1, max_tokens=2)
        for token in answer.choices[0].logprobs.content:
            self.assertEqual((token.token, token.logprob), (" token", 0.0))
            self.assertEqual(bytes(token.bytes), b" token")
            self.assertEqual(token.top_logprobs[0].token, " token")
        for chunk in list(self.chat(logprobs=True, max_tokens=2, stream=True))[1:-1]:
            self.assertEqual(chunk.choices[0].logprobs.content[0].top_logprobs, [])

    def test_several_choices(self):
        answer = self.chat(n=3, max_tokens=2)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertEqual(answer.usage.completion_tokens, 6)
        self.assertEqual(answer.usage.prompt_tokens, 1)
        texts = {0: "", 1: ""}
        for chunk in self.chat(n=2, max_tokens=2, stream=True):
            texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        self.assertEqual(texts, {0: " token token", 1: " token token"})

    def test_stop(self):
        answer = self.chat(stop=["none", "ken to"])
        self.assertEqual(answer.choices[0].message.content, " to")
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_all_roles_and_parts(self):
        parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
        self.chat(messages=[{"role": "developer", "content": "x"},
                            {"role": "system", "content": parts},
                            {"role": "user", "content": parts, "name": "someone"},
                            {"role": "assistant", "content": None, "tool_calls": [
                                {"id": "1", "type": "function",
                                 "function": {"name": "f", "arguments": "{}"}}]},
                            {"role": "tool", "tool_call_id": "1", "content": "x"},
                            {"role": "user", "content": "x"}])

    def test_own_answer_can_be_sent_back(self):
        message = self.chat().choices[0].message
        self.chat(messages=HI + [message.model_dump()] + HI)

    def test_many_fields(self):
        self.chat(temperature=0.5, top_p=0.9, seed=-5, frequency_penalty=1, presence_penalty=-1,
                  logit_bias={"5": -100}, user="u", metadata={"workload": "test"},
                  response_format={"type": "text"}, store=False, parallel_tool_calls=True,
                  extra_body={"top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1, "other": 1},
                  extra_headers={"X-Overtake-Workload": "test"})


class ErrorTest(ClientTest):
    def refused(self, param, code, kind=openai.BadRequestError, **fields):
        with self.assertRaises(kind) as caught:
            self.chat(**fields)
        self.assertEqual(caught.exception.param, param)
        self.assertEqual(caught.exception.code, code)
        self.assertEqual(caught.exception.type, "invalid_request_error")
        self.assertTrue(caught.exception.request_id)

    def test_wrong_values(self):
        self.refused("temperature", "invalid_value", temperature=3)
        self.refused("n", "invalid_value", n=129)
        self.refused("max_tokens", "invalid_value", max_tokens=-1)
        self.refused("top_logprobs", "invalid_value", logprobs=True, top_logprobs=2**31)
        self.refused("messages", "invalid_value", messages=[])
        self.refused("messages[0].role", "invalid_value", messages=[{"role": "x", "content": ""}])

    def test_what_the_model_cannot_do(self):
        self.refused("response_format", "unsupported_parameter",
                     response_format={"type": "json_object"})
        self.refused("tools", "unsupported_parameter",
                     tools=[{"type": "function", "function": {"name": "f"}}])
        self.refused("messages[0].content[0].type", "unsupported_parameter", messages=[
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}])

    def test_prompt_too_long(self):
        self.refused("messages", "context_length_exceeded",
                     messages=[{"role": "user", "content": "x" * 1_000_000}])

    def test_errors_before_a_stream(self):
        self.refused("temperature", "invalid_value", temperature=-1, stream=True)

    def test_unknown_model(self):
        self.refused("model", "model_not_found", kind=openai.NotFoundError, model="gpt-4o")

    def test_unknown_path(self):
        with self.assertRaises(openai.NotFoundError):
            self.client.moderations.create(input="x")

    def test_body_too_large(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.chat(messages=[{"role": "user", "content": "x" * (17 << 20)}])
        self.assertEqual(caught.exception.status_code, 413)


class ModelsTest(ClientTest):
    def test_list_and_retrieve(self):
        models = list(self.client.models.list())
        self.assertIn("null", [model.id for model in models])
        for model in models:
            self.assertEqual(model.object, "model")
            self.assertEqual(self.client.models.retrieve(model.id), model)

    def test_unknown(self):
        for name in ["gpt-4o", "openai/gpt-4o"]:
            with self.assertRaises(openai.NotFoundError) as caught:
                self.client.models.retrieve(name)
            self.assertEqual(caught.exception.code, "model_not_found")


class CompletionsTest(ClientTest):
    def test_answer(self):
        answer = self.text()
        self.assertEqual(answer.object, "text_completion")
        self.assertTrue(answer.id.startswith("cmpl-"))
        self.assertEqual(answer.choices[0].text, " token" * 16)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 16)

    def test_prompts_of_all_shapes(self):
        for prompt, n in [("a", 1), (["a", "b"], 2), ([1, 2], 1), ([[1], [2, 3], [4]], 3)]:
            answer = self.text(prompt=prompt, n=2)
            self.assertEqual([choice.index for choice in answer.choices], list(range(2 * n)))

    def test_stream(self):
        chunks = list(self.text(stream=True, max_tokens=2, stream_options={"include_usage": True}))
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks[:-1]), " token token")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "length")
        self.assertEqual(chunks[-1].usage.completion_tokens, 2)

    def test_echo_and_logprobs(self):
        choice = self.text(prompt=[1, 2], echo=True, logprobs=1, max_tokens=1).choices[0]
        self.assertEqual(choice.text, " token" * 3)
        self.assertEqual(choice.logprobs.tokens, [" token"] * 3)
        self.assertEqual(choice.logprobs.token_logprobs, [None, 0.0, 0.0])
        self.assertEqual(choice.logprobs.top_logprobs, [None, {" token": 0.0}, {" token": 0.0}])
        self.assertEqual(choice.logprobs.text_offset, [0, 6, 12])

    def test_suffix_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.text(suffix="x")
        self.assertEqual(caught.exception.param, "suffix")


class LifeTest(ClientTest):
    def test_leaving_a_stream_ends_it(self):
        before = server_log().count("client left")
        # Larger than all buffers on the way, so that the server can not have sent it all.
        stream = self.chat(stream=True, max_tokens=100_000, logprobs=True, top_logprobs=1)
        for chunk, _ in zip(stream, range(5)):
            self.assertEqual(chunk.object, "chat.completion.chunk")
        stream.close()
        self.assertTrue(wait_for(lambda: server_log().count("client left") > before))

    def test_many_at_once(self):
        async def one(client, i):
            answer = await client.chat.completions.create(model="null", messages=HI,
                                                          max_tokens=1 + i)
            return answer.usage.completion_tokens

        async def stream(client, i):
            chunks = await client.chat.completions.create(model="null", messages=HI,
                                                          max_tokens=1 + i, stream=True)
            texts = [chunk.choices[0].delta.content or "" async for chunk in chunks]
            return "".join(texts).count(" token")

        async def all_of_them():
            async with openai.AsyncOpenAI(base_url=URL, api_key="x", max_retries=0) as client:
                return await asyncio.gather(*[one(client, i) for i in range(100)],
                                            *[stream(client, i) for i in range(100)])

        self.assertEqual(asyncio.run(all_of_them()), 2 * list(range(1, 101)))


@unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
class SmolLm2Test(ClientTest):
    QUESTION = [{"role": "user", "content": "What is the capital of France?"}]

    def ask(self, **fields):
        return self.chat(**{"model": "smollm2", "messages": self.QUESTION, "temperature": 0,
                            "max_tokens": 24, **fields})

    def test_it_knows_paris(self):
        answer = self.ask()
        self.assertIn("Paris", answer.choices[0].message.content)
        self.assertGreater(answer.usage.prompt_tokens, 10)

    def test_the_stream_is_the_answer(self):
        whole = self.ask().choices[0].message.content
        chunks = self.ask(stream=True)
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), whole)

    def test_a_seed_repeats_and_choices_differ(self):
        fields = {"temperature": 1.0, "seed": 7, "n": 2}
        first, second = self.ask(**fields), self.ask(**fields)
        texts = [choice.message.content for choice in first.choices]
        self.assertEqual(texts, [choice.message.content for choice in second.choices])
        self.assertNotEqual(*texts)

    def test_stop_and_logprobs(self):
        choice = self.ask(stop="Paris", logprobs=True, top_logprobs=5).choices[0]
        self.assertNotIn("Paris", choice.message.content)
        self.assertEqual(choice.finish_reason, "stop")
        for token in choice.logprobs.content:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 5)
            self.assertEqual(token.top_logprobs[0].token, token.token)  # greedy: the best one

    def test_prompt_scores(self):
        choice = self.text(model="smollm2", prompt="The capital of France is Paris", echo=True,
                           logprobs=1, max_tokens=1, temperature=0).choices[0]
        self.assertTrue(choice.text.startswith("The capital of France is Paris"))
        self.assertEqual("".join(choice.logprobs.tokens), choice.text)
        self.assertIsNone(choice.logprobs.token_logprobs[0])
        self.assertTrue(all(p <= 0 for p in choice.logprobs.token_logprobs[1:]))

    def test_prompt_too_long(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask(messages=[{"role": "user", "content": "word " * 60_000}])
        self.assertEqual(caught.exception.code, "context_length_exceeded")

    def test_company_changes_no_answer(self):
        whole = self.ask().choices[0].message.content

        async def all_of_them():
            async with openai.AsyncOpenAI(base_url=URL, api_key="x", max_retries=0) as client:
                answers = await asyncio.gather(*[
                    client.chat.completions.create(model="smollm2", messages=self.QUESTION,
                                                   temperature=0, max_tokens=24)
                    for _ in range(8)])
                return {answer.choices[0].message.content for answer in answers}

        self.assertEqual(asyncio.run(all_of_them()), {whole})

    def test_a_client_that_gives_up_ends_its_answer(self):
        before = server_log().count("client left")
        with self.assertRaises(openai.APITimeoutError):
            self.client.with_options(timeout=0.3).chat.completions.create(
                model="smollm2", messages=self.QUESTION, max_tokens=4000,
                extra_body={"ignore_eos": True})
        self.assertTrue(wait_for(lambda: server_log().count("client left") > before))


if __name__ == "__main__":
    unittest.main()
