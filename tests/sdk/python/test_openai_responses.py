"""OpenAI's Responses by the official package against a running `overtake serve`; run by ../run.sh."""
import os
import time
import unittest

import openai
from pydantic import BaseModel

URL = os.environ["OVERTAKE_TEST_URL"] + "/v1"
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}},
        "strict": None}


class ResponsesTest(unittest.TestCase):
    def setUp(self):
        self.client = openai.OpenAI(base_url=URL, api_key="any key is ignored", max_retries=0)
        self.addCleanup(self.client.close)

    def create(self, **fields):
        return self.client.responses.create(**{"model": "null", "input": "hi", **fields})

    def refused(self, **fields):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(**fields)
        return caught.exception.param

    def test_answer(self):
        answer = self.create(instructions="Be brief.", metadata={"a": "b"})
        self.assertTrue(answer.id.startswith("resp_"))
        self.assertEqual(answer.output_text, " token" * 16)
        self.assertEqual(answer.status, "completed")
        self.assertEqual(answer.instructions, "Be brief.")
        self.assertEqual(answer.metadata, {"a": "b"})
        self.assertEqual(answer.usage.output_tokens, 16)
        self.assertEqual(answer.usage.total_tokens, answer.usage.input_tokens + 16)
        self.assertEqual(answer.usage.input_tokens_details.cached_tokens, 0)
        # The package builds its types without checks; this checks them.
        type(answer).model_validate(answer.to_dict())

    def test_stream(self):
        events = list(self.create(stream=True, max_output_tokens=3))
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        for event in events:
            type(event).model_validate(event.to_dict())
        text = [event.delta for event in events if event.type == "response.output_text.delta"]
        self.assertEqual(text, [" token"] * 3)
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.incomplete_details.reason, "max_output_tokens")

    def test_stream_helper(self):
        with self.client.responses.stream(model="null", input="hi") as stream:
            snapshots = [event.snapshot for event in stream
                         if event.type == "response.output_text.delta"]
            final = stream.get_final_response()
        self.assertEqual(snapshots[-1], " token" * 16)
        self.assertEqual(final.output_text, snapshots[-1])

    def test_logprobs(self):
        answer = self.create(include=["message.output_text.logprobs"], top_logprobs=1)
        tokens = answer.output[0].content[0].logprobs
        self.assertEqual(len(tokens), 16)
        self.assertEqual(tokens[0].token, " token")

    def test_conversation(self):
        first = self.create()
        second = self.create(previous_response_id=first.id, input=[
            {"role": "user", "content": [{"type": "input_text", "text": "more"}]}])
        self.assertEqual(second.previous_response_id, first.id)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens)
        # Sent again by the client, the conversation is as long.
        sent = self.create(store=False, input=[
            {"role": "user", "content": "hi"}, *[item.to_dict() for item in first.output],
            {"role": "user", "content": "more"}])
        self.assertEqual(sent.usage.input_tokens, second.usage.input_tokens)
        self.assertEqual(self.client.responses.retrieve(second.id), second)
        items = list(self.client.responses.input_items.list(second.id))
        self.assertEqual([item.content[0].text for item in items], ["more"])
        self.client.responses.delete(first.id)
        for call in (lambda: self.client.responses.retrieve(first.id),
                     lambda: self.client.responses.delete(first.id),
                     lambda: self.client.responses.retrieve(sent.id),
                     lambda: self.create(previous_response_id=first.id)):
            with self.assertRaises(openai.NotFoundError) as caught:
                call()
            self.assertEqual(caught.exception.code, "response_not_found")
        self.create(previous_response_id=second.id)

    def test_conversations(self):
        conversations = self.client.conversations
        made = conversations.create(metadata={"a": "b"}, items=[
            {"type": "message", "role": "user", "content": "hello"}])
        type(made).model_validate(made.to_dict())
        self.assertEqual(conversations.retrieve(made.id), made)
        self.assertEqual(conversations.update(made.id, metadata={"a": "c"}).metadata, {"a": "c"})
        answer = self.create(conversation=made.id)
        self.assertEqual(answer.conversation.id, made.id)
        self.assertGreater(answer.usage.input_tokens, self.create().usage.input_tokens)
        added = conversations.items.create(made.id, items=[
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "done"}])
        type(added).model_validate(added.to_dict())
        items = list(conversations.items.list(made.id, order="asc", limit=2))
        for item in items:
            type(item).model_validate(item.to_dict())
        self.assertEqual([item.type for item in items],
                         ["message"] * 3 + ["function_call", "function_call_output"])
        self.assertEqual(items[2].id, answer.output[0].id)
        self.assertEqual(conversations.items.retrieve(items[0].id, conversation_id=made.id),
                         items[0])
        count = self.client.responses.input_tokens.count
        before = count(model="null", conversation=made.id, input="hi").input_tokens
        self.assertEqual(conversations.items.delete(items[0].id, conversation_id=made.id).id,
                         made.id)
        self.assertLess(count(model="null", conversation=made.id, input="hi").input_tokens, before)
        self.assertTrue(conversations.delete(made.id).deleted)
        for call in (lambda: conversations.retrieve(made.id),
                     lambda: self.create(conversation=made.id)):
            with self.assertRaises(openai.NotFoundError) as caught:
                call()
            self.assertEqual(caught.exception.code, "conversation_not_found")

    def wait_for(self, response):
        """The response as it is once it has ended."""
        deadline = time.monotonic() + 20
        while response.status in ("queued", "in_progress") and time.monotonic() < deadline:
            time.sleep(0.01)
            response = self.client.responses.retrieve(response.id)
            type(response).model_validate(response.to_dict())
        return response

    def test_background(self):
        begun = self.create(background=True)
        type(begun).model_validate(begun.to_dict())
        self.assertEqual((begun.status, begun.background, begun.output), ("queued", True, []))
        done = self.wait_for(begun)
        self.assertEqual(done.status, "completed")
        self.assertEqual(done.output_text, " token" * 16)
        self.assertGreaterEqual(done.completed_at, done.created_at)
        events = list(self.client.responses.retrieve(begun.id, stream=True))
        for event in events:
            type(event).model_validate(event.to_dict())
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual([event.type for event in events[:3]],
                         ["response.created", "response.queued", "response.in_progress"])
        self.assertEqual(events[-1].response, done)
        rest = self.client.responses.retrieve(begun.id, stream=True, starting_after=5)
        self.assertEqual(list(rest), events[6:])
        with self.client.responses.stream(response_id=begun.id) as stream:
            self.assertEqual(stream.get_final_response().output_text, done.output_text)
        self.assertEqual(self.client.responses.cancel(begun.id), done)
        more = self.create(previous_response_id=begun.id)
        self.assertGreater(more.usage.input_tokens, done.usage.input_tokens)

    def test_background_streams(self):
        with self.create(background=True, stream=True) as stream:
            first = next(iter(stream))
        self.assertEqual((first.type, first.response.status), ("response.created", "queued"))
        done = self.wait_for(first.response)
        self.assertEqual(done.output_text, " token" * 16)
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.responses.cancel(self.create().id)
        self.assertIn("Cannot cancel a synchronous response", str(caught.exception))

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_background_is_cancelled(self):
        begun = self.create(model="smollm2", input="Count to a million.", background=True,
                            max_output_tokens=1900, extra_body={"ignore_eos": True})
        events = self.client.responses.retrieve(begun.id, stream=True)
        for event in events:
            if event.type == "response.output_text.delta":
                break
        cancelled = self.client.responses.cancel(begun.id)
        type(cancelled).model_validate(cancelled.to_dict())
        self.assertEqual(cancelled.status, "cancelled")
        last = list(events)[-1]
        type(last).model_validate(last.to_dict())
        self.assertEqual((last.type, last.code), ("error", "cancelled"))
        self.assertEqual(self.client.responses.cancel(begun.id), cancelled)
        self.assertEqual(self.client.responses.retrieve(begun.id), cancelled)
        self.client.responses.delete(begun.id)

    def test_truncation(self):
        long = [{"role": "user", "content": "x" * 400_000}, {"role": "assistant", "content": "y"},
                {"role": "user", "content": "z" * 400_000}]
        self.assertEqual(self.refused(input=long), "input")
        answer = self.create(input=long, truncation="auto")
        self.assertEqual(answer.truncation, "auto")
        self.assertEqual(answer.usage.input_tokens, 100_000)
        self.assertEqual(len(list(self.client.responses.input_items.list(answer.id))), 3)

    def test_item_references(self):
        made = self.client.conversations.create(items=[
            {"type": "message", "role": "user", "content": "12345678" * 10}])
        item = next(iter(self.client.conversations.items.list(made.id)))
        answer = self.create(input=[{"type": "item_reference", "id": item.id}])
        self.assertEqual(answer.usage.input_tokens, 20)
        answer = self.create(input=[{"type": "item_reference", "id": answer.output[0].id}])
        self.assertEqual(answer.usage.input_tokens, 24)

    def test_compact_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.responses.compact(model="null", input="hi")
        self.assertEqual(caught.exception.code, "unsupported_operation")

    def test_input_tokens(self):
        first = self.create()
        count = self.client.responses.input_tokens.count
        counted = count(model="null", input="hi")
        type(counted).model_validate(counted.to_dict())
        self.assertEqual(counted.input_tokens, first.usage.input_tokens)
        second = {"model": "null", "input": "more", "previous_response_id": first.id}
        self.assertEqual(count(**second).input_tokens,
                         self.create(**second).usage.input_tokens)

    def test_errors_name_their_field(self):
        self.assertEqual(self.refused(temperature=3), "temperature")
        self.assertEqual(self.refused(input=[{"role": "user", "content": [{"type": "x"}]}]),
                         "input[0].content[0].type")
        self.assertEqual(self.refused(tools=[TOOL]), "tools[0]")
        self.assertEqual(self.refused(background=True, store=False), "background")
        self.assertEqual(self.refused(prompt={"id": "pmpt_1"}), "prompt")
        self.assertEqual(self.refused(include=["nothing"]), "include[0]")
        self.assertEqual(self.refused(tools=[{"type": "web_search"}]), "tools[0]")
        self.assertEqual(self.refused(input="x" * 1_000_000), "input")
        with self.assertRaises(openai.NotFoundError):
            self.create(model="gpt-4o")

    def test_parse_is_refused_where_the_model_can_not(self):
        class Answer(BaseModel):
            value: int

        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.responses.parse(model="null", input="hi", text_format=Answer)
        self.assertEqual(caught.exception.param, "text.format")

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_smollm2_knows_paris(self):
        fields = {"model": "smollm2", "input": "What is the capital of France?",
                  "temperature": 0, "max_output_tokens": 24}
        whole = self.create(**fields).output_text
        self.assertIn("Paris", whole)
        text = "".join(event.delta for event in self.create(stream=True, **fields)
                       if event.type == "response.output_text.delta")
        self.assertEqual(text, whole)


if __name__ == "__main__":
    unittest.main()
