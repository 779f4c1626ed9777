"""OpenAI's Responses, as api.openai.com answers. Its models' names begin with "codex-", as those of
a family that has no chat completions."""
import itertools
import json

from .openai import PREFIX, STREAM_TYPE, asked, error, has_key, models  # noqa: F401
from .scenes import Call, Cited, Ran, Refusal, Text, Thought

FAMILY = "codex-"
PATH = "/responses"
KINDS = {PATH: "chat", PATH + "/input_tokens": "count"}
INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}


def count(n_tokens):
    return {"object": "response.input_tokens", "input_tokens": n_tokens}


def usage(used):
    return {"input_tokens": used.prompt, "output_tokens": used.completion,
            "input_tokens_details": {"cached_tokens": used.cached,
                                     "cache_write_tokens": used.written},
            "output_tokens_details": {"reasoning_tokens": used.thought},
            "total_tokens": used.prompt + used.completion}


def annotations(said, before):
    if type(said) is not Cited:
        return []
    return [{"type": "url_citation", "start_index": len(before),
             "end_index": len(before) + len(said.text), "title": source.title, "url": source.url}
            for source in said.sources]


def message(texts):
    """What is said in one piece is one part, and its places are characters of that."""
    text = "".join(said.text for said in texts)
    if type(texts[0]) is Refusal:
        part = {"type": "refusal", "refusal": text}
    else:
        before = itertools.accumulate((said.text for said in texts), initial="")
        part = {"type": "output_text", "text": text, "logprobs": [],
                "annotations": [each for said, begin in zip(texts, before)
                                for each in annotations(said, begin)]}
    return {"type": "message", "role": "assistant", "content": [part]}


def reasoning(thought, body):
    encrypted = "reasoning.encrypted_content" in body.get("include", [])
    return {"type": "reasoning",
            "summary": [{"type": "summary_text", "text": thought.text}] if thought.text else [],
            "encrypted_content": (thought.encrypted or thought.signature) if encrypted else None}


def call(said, number):
    return {"type": "function_call", "call_id": f"call_{number}xyz", "name": said.name,
            "arguments": json.dumps(said.arguments)}


def searched(said):
    return {"type": "web_search_call", "action": {"type": "search", "query": said.asked,
                                                  "queries": [said.asked]}}


IDS = {"message": "msg", "reasoning": "rs", "function_call": "fc", "web_search_call": "ws"}


def bare_items(scene, body):
    """(item, the pieces that its text comes in)"""
    n_calls = itertools.count()
    for kind, group in itertools.groupby(scene.said, key=lambda said: (
            "text" if type(said) in (Text, Cited) else id(said))):
        group = list(group)
        pieces = [piece for said in group for piece in getattr(said, "pieces", ())]
        first = group[0]
        if kind == "text" or type(first) is Refusal:
            yield message(group), pieces
        elif type(first) is Thought:
            yield reasoning(first, body), pieces
        elif type(first) is Call:
            item = call(first, next(n_calls))
            yield item, [item["arguments"][at:at + 7] for at in range(0, len(item["arguments"]), 7)]
        elif type(first) is Ran:
            yield searched(first), []
    if not scene.said:
        yield message((Text(("",)),)), []


def items(scene, body):
    out = list(bare_items(scene, body))
    for number, (item, _) in enumerate(out):
        item["id"] = f"{IDS[item['type']]}_0a1b2c{number}"
        if item["type"] != "reasoning":
            item["status"] = "completed"
    last, pieces = out[-1]
    if scene.cut:
        last["arguments"] = last["arguments"][:-9]
        pieces = ["".join(pieces)[:-9]]
        out[-1] = (last, pieces)
    if scene.stop in INCOMPLETE and "status" in last:
        last["status"] = "incomplete"
    return out


def response(scene, body, output, ended):
    reason = INCOMPLETE.get(scene.stop) if ended else None
    status = "incomplete" if reason else "completed" if ended else "in_progress"
    return {"id": "resp_0a1b2c", "object": "response", "created_at": 1741569952, "status": status,
            "background": False, "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": body.get("instructions"), "max_output_tokens": None,
            "model": body["model"] + "-2025-08-07", "output": output, "parallel_tool_calls": True,
            "previous_response_id": None, "reasoning": {"effort": "medium", "summary": None},
            "service_tier": "default", "store": body.get("store", True), "temperature": 1.0,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
            "truncation": "disabled", "usage": usage(scene.usage) if ended else None, "user": None,
            "metadata": {}}


def whole(scene, body):
    return response(scene, body, [item for item, _ in items(scene, body)], True)


# What the events of an item's pieces are called, and where they are.
PARTS = {"output_text": ("content", "content_index", "response.content_part",
                         "response.output_text"),
         "refusal": ("content", "content_index", "response.content_part", "response.refusal"),
         "summary_text": ("summary", "summary_index", "response.reasoning_summary_part",
                          "response.reasoning_summary_text")}


def part_events(item, pieces, at):
    for list_name, part in ((name, part) for name in ("summary", "content")
                            for part in item.get(name, [])):
        _, index, part_event, text_event = PARTS[part["type"]]
        at = {**at, index: 0}
        word = "refusal" if part["type"] == "refusal" else "text"
        empty = {"type": part["type"], word: "",
                 **({"annotations": [], "logprobs": []} if "annotations" in part else {})}
        yield {"type": part_event + ".added", **at, "part": empty}
        more = {"logprobs": []} if "annotations" in part else {}
        for piece in pieces:
            yield {"type": text_event + ".delta", **at, "delta": piece, **more,
                   "obfuscation": "aB3x"}
        for number, annotation in enumerate(part.get("annotations", [])):
            yield {"type": "response.output_text.annotation.added", **at,
                   "annotation_index": number, "annotation": annotation}
        yield {"type": text_event + ".done", **at, word: part[word], **more}
        yield {"type": part_event + ".done", **at, "part": part}


def item_events(item, pieces, index):
    begun = {**item, **{name: [] for name in ("content", "summary") if name in item},
             **({"arguments": ""} if "arguments" in item else {}),
             **({"status": "in_progress"} if "status" in item else {})}
    at = {"item_id": item["id"], "output_index": index}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    yield from part_events(item, pieces, at)
    if item["type"] == "function_call":
        for piece in pieces:
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **at,
               "arguments": item["arguments"]}
    if item["type"] == "web_search_call":
        for state in ("in_progress", "searching", "completed"):
            yield {"type": f"response.web_search_call.{state}", **at}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def bare_events(scene, body):
    made = items(scene, body)
    begun = response(scene, body, [], False)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    each = [item_events(item, pieces, index) for index, (item, pieces) in enumerate(made)]
    for some in itertools.zip_longest(*each) if scene.mixed else [itertools.chain(*each)]:
        yield from filter(None, some)
    end = response(scene, body, [item for item, _ in made], True)
    yield {"type": "response." + end["status"], "response": end}


def event(json_event, escaped=True):
    return f"event: {json_event['type']}\ndata: {json.dumps(json_event, ensure_ascii=escaped)}\n\n"


def events(scene, body):
    """The stream, an event a string; the last is its end."""
    for number, each in enumerate(bare_events(scene, body)):
        yield event({**each, "sequence_number": number}, scene.escaped)


def error_event(text):
    return event({"type": "error", "code": "server_error", "message": text, "param": None,
                  "sequence_number": 99})


def with_usage(answer, counts):
    """The answer or event with other counts; None: without any."""
    owner = answer.get("response", answer)
    if counts is None:
        owner.pop("usage", None)
    elif owner.get("usage"):
        owner["usage"].update(input_tokens=counts, output_tokens=counts, total_tokens=counts)
    return answer
