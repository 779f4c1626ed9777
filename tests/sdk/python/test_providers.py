"""The official packages of four vendors, through Overtake, to each provider as the simulator plays
it; run by ../run.sh."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

import anthropic
import ollama
import openai
from google import genai
from google.genai import errors, types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from pairs import run, world  # noqa: E402
from simulator import server as simulated  # noqa: E402
from simulator.scenes import vector  # noqa: E402

TEXT = "Hello, world."
TEXTS = ["one", "two", "three"]
NO_EMBEDDINGS = ("anthropic/", "openai/codex-")
CALL = ("get_weather", {"city": "Paris"})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Tells the weather.", "parameters": SCHEMA}
HI = [{"role": "user", "content": "hi"}]


class ProvidersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        simulator = stack.enter_context(world.simulator())
        variables = simulated.environment(simulator)
        binary = os.environ["OVERTAKE_TEST_BINARY"]
        cls.url = f"http://127.0.0.1:{stack.enter_context(world.overtake(binary, variables))}"

    def each(self, scene):
        """The models of this scene, of all providers."""
        return [run.model_of(provider, scene, "sdk") for provider in run.PROVIDERS]

    def make(self, kind, **options):
        client = kind(**options)
        if hasattr(client, "close"):
            self.addCleanup(client.close)
        return client

    def test_openai(self):
        client = self.make(openai.OpenAI, base_url=self.url + "/v1", api_key="any", max_retries=0)
        completions = client.chat.completions
        for model in self.each("text"):
            with self.subTest(model=model):
                answer = completions.create(model=model, messages=HI)
                self.assertEqual(answer.choices[0].message.content, TEXT)
                with completions.stream(model=model, messages=HI) as stream:
                    last = stream.get_final_completion()
                self.assertEqual(last.choices[0].message.content, TEXT)
        tools = [{"type": "function", "function": FUNCTION}]
        for model in self.each("tool"):
            with self.subTest(model=model):
                call, = completions.create(model=model, messages=HI,
                                           tools=tools).choices[0].message.tool_calls
                self.assertEqual((call.function.name, json.loads(call.function.arguments)), CALL)
                with completions.stream(model=model, messages=HI, tools=tools) as stream:
                    call, = stream.get_final_completion().choices[0].message.tool_calls
                self.assertEqual((call.function.name, json.loads(call.function.arguments)), CALL)
        for model in self.each("429-later"):
            with self.subTest(model=model):
                with self.assertRaises(openai.RateLimitError):
                    completions.create(model=model, messages=HI)
        for model in self.each("cut"):
            with self.subTest(model=model):
                with self.assertRaises(openai.APIError), \
                        completions.create(model=model, messages=HI, stream=True) as stream:
                    list(stream)

    def test_what_a_text_rests_on(self):
        source = ("https://example.com/rain", "Rain — today")
        client = self.make(openai.OpenAI, base_url=self.url + "/v1", api_key="any", max_retries=0)
        for provider in ("openai", "anthropic", "google"):
            model = f"{provider}/cited.sdk"
            with self.subTest(model=model):
                message = client.chat.completions.create(
                    model=model, messages=HI).choices[0].message
                cited = message.annotations[0].url_citation
                self.assertEqual((cited.url, cited.title), source)
                self.assertEqual(message.content[cited.start_index:cited.end_index],
                                 "it rains in Paris")
                with client.responses.stream(model=model, input="hi") as stream:
                    part = stream.get_final_response().output[0].content[0]
                cited = part.annotations[0]
                self.assertEqual((cited.type, cited.url, cited.title), ("url_citation", *source))
                self.assertEqual(part.text[cited.start_index:cited.end_index], "it rains in Paris")
                options = types.HttpOptions(base_url=self.url)
                gemini = self.make(genai.Client, api_key="any", http_options=options)
                found = gemini.models.generate_content(model=model, contents="hi")
                metadata = found.candidates[0].grounding_metadata
                self.assertEqual(metadata.grounding_supports[0].segment.text, "it rains in Paris")
                self.assertEqual(metadata.grounding_chunks[0].web.uri, source[0])
        claude = self.make(anthropic.Anthropic, base_url=self.url, api_key="any", max_retries=0)
        fixed = {"model": "anthropic/cited.sdk", "max_tokens": 50, "messages": HI}
        with claude.messages.stream(**fixed) as stream:
            streamed = stream.get_final_message()
        for message in (claude.messages.create(**fixed), streamed):
            cited = message.content[1]
            self.assertEqual(cited.text, "it rains in Paris")
            self.assertEqual([each.url for each in cited.citations],
                             [source[0], "https://example.org/snow?a=1"])
            self.assertEqual(cited.citations[0].encrypted_index, "Eo8BCioIAhgBIiQy")

    def test_what_the_vendors_tools_did(self):
        claude = self.make(anthropic.Anthropic, base_url=self.url, api_key="any", max_retries=0)
        fixed = {"model": "anthropic/searched.sdk", "max_tokens": 50}
        with claude.messages.stream(messages=HI, **fixed) as stream:
            streamed = stream.get_final_message()
        for message in (claude.messages.create(messages=HI, **fixed), streamed):
            self.assertEqual([block.type for block in message.content],
                             ["text", "server_tool_use", "web_search_tool_result", "text"])
            self.assertEqual(message.content[1].input, {"query": "weather in Paris"})
            self.assertEqual(message.content[2].content[0].title, "22 degrees")
            claude.messages.create(messages=[*HI, {"role": "assistant", "content": message.content},
                                             {"role": "user", "content": "go on"}], **fixed)
        gemini = self.make(genai.Client, api_key="any",
                           http_options=types.HttpOptions(base_url=self.url))
        model = "google/searched.sdk"
        whole = gemini.models.generate_content(model=model, contents="hi")
        self.assertEqual(whole.executable_code, "weather in Paris")
        self.assertEqual(whole.code_execution_result, "22 degrees")
        parts = [part for chunk in gemini.models.generate_content_stream(model=model, contents="hi")
                 for part in chunk.candidates[0].content.parts]
        self.assertIn("weather in Paris",
                      [part.executable_code.code for part in parts if part.executable_code])
        gemini.models.generate_content(model=model, contents=[
            "hi", whole.candidates[0].content, types.UserContent("go on")])

    def test_what_openais_tools_did(self):
        responses = self.make(openai.OpenAI, base_url=self.url + "/v1", api_key="any",
                              max_retries=0).responses
        fixed = {"model": "openai/searched.sdk", "tools": [{"type": "web_search"}]}
        with responses.stream(input="hi", **fixed) as stream:
            streamed = stream.get_final_response()
        for response in (responses.create(input="hi", **fixed), streamed):
            type(response).model_validate(response.to_dict())
            self.assertEqual([item.type for item in response.output],
                             ["message", "web_search_call", "message"])
            self.assertEqual(response.output[1].action.query, "weather in Paris")
            said = [item.to_dict() for item in response.output]
            responses.create(input=[{"role": "user", "content": "hi"}, *said,
                                    {"role": "user", "content": "go on"}], **fixed)
            responses.create(input="go on", previous_response_id=response.id, **fixed)

    def test_openai_responses(self):
        client = self.make(openai.OpenAI, base_url=self.url + "/v1", api_key="any", max_retries=0)
        # Whether the provider's models show their thoughts, or a summary of them.
        kinds = {"compatible": "text", "ollama": "text", "anthropic": "summary",
                 "google": "summary", "openai-responses": "summary"}
        for provider, kind in kinds.items():
            with self.subTest(provider=provider):
                events = list(client.responses.create(
                    model=run.model_of(provider, "reasoning", "sdk"), input="hi", stream=True))
                for event in events:
                    type(event).model_validate(event.to_dict())
                names = {event.type for event in events}
                open_name, told_name = ("response.reasoning_text.delta",
                                        "response.reasoning_summary_text.delta")
                self.assertEqual((open_name in names, told_name in names),
                                 (kind == "text", kind == "summary"))
                thought = events[-1].response.output[0]
                self.assertEqual((bool(thought.content), bool(thought.summary)),
                                 (kind == "text", kind == "summary"))
        for model in self.each("cut"):
            with self.subTest(model=model):
                begun = client.responses.create(model=model, input="hi", background=True)
                for event in client.responses.retrieve(begun.id, stream=True):
                    type(event).model_validate(event.to_dict())
                self.assertEqual(event.type, "response.failed")
                self.assertEqual(client.responses.retrieve(begun.id).status, "failed")

    def test_anthropic(self):
        client = self.make(anthropic.Anthropic, base_url=self.url, api_key="any", max_retries=0)
        fixed = {"max_tokens": 50, "messages": HI}
        for model in self.each("text"):
            with self.subTest(model=model):
                answer = client.messages.create(model=model, **fixed)
                self.assertEqual(answer.content[0].text, TEXT)
                with client.messages.stream(model=model, **fixed) as stream:
                    self.assertEqual(stream.get_final_text(), TEXT)
        tools = [{"name": "get_weather", "input_schema": SCHEMA}]
        for model in self.each("tool"):
            with self.subTest(model=model):
                block, = client.messages.create(model=model, tools=tools, **fixed).content
                self.assertEqual((block.name, block.input), CALL)
                with client.messages.stream(model=model, tools=tools, **fixed) as stream:
                    block, = stream.get_final_message().content
                self.assertEqual((block.name, block.input), CALL)
        for model in self.each("429-later"):
            with self.subTest(model=model):
                with self.assertRaises(anthropic.RateLimitError):
                    client.messages.create(model=model, **fixed)
        for model in self.each("cut"):
            with self.subTest(model=model):
                with self.assertRaises(anthropic.APIError), \
                        client.messages.stream(model=model, **fixed) as stream:
                    stream.get_final_message()

    def test_gemini(self):
        models = self.make(genai.Client, api_key="any",
                           http_options=types.HttpOptions(base_url=self.url)).models
        for model in self.each("text"):
            with self.subTest(model=model):
                self.assertEqual(models.generate_content(model=model, contents="hi").text, TEXT)
                pieces = models.generate_content_stream(model=model, contents="hi")
                self.assertEqual("".join(piece.text or "" for piece in pieces), TEXT)
        config = {"tools": [{"function_declarations": [
            {"name": "get_weather", "parameters_json_schema": SCHEMA}]}]}
        for model in self.each("tool"):
            with self.subTest(model=model):
                answer = models.generate_content(model=model, contents="hi", config=config)
                call, = answer.function_calls
                self.assertEqual((call.name, call.args), CALL)
                pieces = models.generate_content_stream(model=model, contents="hi", config=config)
                call, = [call for piece in pieces for call in piece.function_calls or []]
                self.assertEqual((call.name, call.args), CALL)
        for model in self.each("429-later"):
            with self.subTest(model=model):
                with self.assertRaises(errors.ClientError) as caught:
                    models.generate_content(model=model, contents="hi")
                self.assertEqual(caught.exception.status, "RESOURCE_EXHAUSTED")
        for model in self.each("cut"):
            with self.subTest(model=model):
                with self.assertRaises(errors.APIError):
                    list(models.generate_content_stream(model=model, contents="hi"))

    def test_ollama(self):
        client = ollama.Client(host=self.url)
        self.addCleanup(client._client.close)
        for model in self.each("text"):
            with self.subTest(model=model):
                self.assertEqual(client.chat(model, HI).message.content, TEXT)
                pieces = client.chat(model, HI, stream=True)
                self.assertEqual("".join(piece.message.content for piece in pieces), TEXT)
        tools = [{"type": "function", "function": FUNCTION}]
        for model in self.each("tool"):
            with self.subTest(model=model):
                call, = client.chat(model, HI, tools=tools).message.tool_calls
                self.assertEqual((call.function.name, call.function.arguments), CALL)
                pieces = client.chat(model, HI, tools=tools, stream=True)
                call, = [call for piece in pieces for call in piece.message.tool_calls or []]
                self.assertEqual((call.function.name, call.function.arguments), CALL)
        for model in self.each("429-later"):
            with self.subTest(model=model):
                with self.assertRaises(ollama.ResponseError) as caught:
                    client.chat(model, HI)
                self.assertEqual(caught.exception.status_code, 429)
        for model in self.each("cut"):
            with self.subTest(model=model):
                with self.assertRaises(ollama.ResponseError):
                    list(client.chat(model, HI, stream=True))

    def test_embeddings(self):
        of_openai = self.make(openai.OpenAI, base_url=self.url + "/v1", api_key="any",
                              max_retries=0).embeddings
        gemini = self.make(genai.Client, api_key="any",
                           http_options=types.HttpOptions(base_url=self.url)).models
        of_ollama = ollama.Client(host=self.url)
        self.addCleanup(of_ollama._client.close)
        asks = (
            lambda model: [each.embedding for each in of_openai.create(
                model=model, input=TEXTS, dimensions=3).data],
            lambda model: [each.values for each in gemini.embed_content(
                model=model, contents=TEXTS,
                config={"output_dimensionality": 3}).embeddings],
            lambda model: of_ollama.embed(model, TEXTS, dimensions=3).embeddings)
        for model in self.each("text"):
            for ask in asks:
                with self.subTest(model=model):
                    if model.startswith(NO_EMBEDDINGS):
                        with self.assertRaisesRegex(Exception, "does not support embeddings"):
                            ask(model)
                    else:
                        self.assertEqual(ask(model), [vector(i, 3) for i in range(len(TEXTS))])
        for model in self.each("429-later"):
            if not model.startswith(NO_EMBEDDINGS):
                with self.subTest(model=model), self.assertRaises(openai.RateLimitError):
                    of_openai.create(model=model, input=TEXTS)

    def test_node(self):
        script = pathlib.Path(__file__).resolve().parents[1] / "node/providers.mjs"
        done = subprocess.run(["node", str(script), self.url, *run.PROVIDERS], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
