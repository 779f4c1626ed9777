"""OpenAI's chat completions and embeddings, as api.openai.com answers."""
import base64
import itertools
import json
import struct

from .scenes import Call, Cited, Refusal, Text, vector

PREFIX = "/openai/v1"
STREAM_TYPE = "text/event-stream; charset=utf-8"
FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls",
          "filter": "content_filter", "refusal": "stop"}


def route(method, path):
    """What is asked at this path below the prefix."""
    return {("POST", "/chat/completions"): "chat", ("GET", "/models"): "models",
            ("POST", "/embeddings"): "embed"}.get((method, path))


def asked(path, body):
    """The model's name, and whether a stream is wanted."""
    return body["model"], body.get("stream", False)


def has_key(headers, key):
    return headers.get("Authorization") == f"Bearer {key}"


def models(names):
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1715367049,
                                        "owned_by": "system"} for name in names]}


def embed(body):
    """The last first: clients have to look at the index."""
    inputs = body["input"] if type(body["input"]) is list else [body["input"]]
    if type(inputs[0]) is int:
        inputs = [inputs]
    data = []
    for i in reversed(range(len(inputs))):
        values = vector(i, body.get("dimensions"))
        coded = base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
        data.append({"object": "embedding", "index": i,
                     "embedding": coded if body.get("encoding_format") == "base64" else values})
    return {"object": "list", "data": data, "model": body["model"],
            "usage": {"prompt_tokens": 11, "total_tokens": 11}}


def usage(used):
    return {"prompt_tokens": used.prompt, "completion_tokens": used.completion,
            "total_tokens": used.prompt + used.completion,
            "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0,
                                      "cache_write_tokens": used.written},
            "completion_tokens_details": {"reasoning_tokens": used.thought, "audio_tokens": 0,
                                          "accepted_prediction_tokens": 0,
                                          "rejected_prediction_tokens": 0}}


def envelope(body, kind):
    return {"id": "chatcmpl-AbC123", "object": kind, "created": 1741569952,
            "model": body["model"] + "-2024-08-06", "service_tier": "default",
            "system_fingerprint": "fp_44709d6fcb"}


def tool_calls(scene):
    calls = [{"id": f"call_{i}xyz", "type": "function",
              "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
             for i, call in enumerate(scene.only(Call))]
    if scene.cut:
        calls[-1]["function"]["arguments"] = calls[-1]["function"]["arguments"][:-9]
    return calls


def annotations(scene):
    """Of the search models; places in the text are characters."""
    return [{"type": "url_citation", "url_citation": {
        "end_index": len(before) + len(text), "start_index": len(before), "title": source.title,
        "url": source.url}} for source, before, text in scene.citations]


def whole(scene, body):
    refusal = "".join(each.text for each in scene.only(Refusal))
    calls = tool_calls(scene)
    message = {"role": "assistant", "content": scene.text or (None if calls or refusal else ""),
               "refusal": refusal or None, "annotations": annotations(scene)}
    if calls:
        message["tool_calls"] = calls
    return {**envelope(body, "chat.completion"),
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": FINISH[scene.stop]}],
            "usage": usage(scene.usage)}


def deltas(scene):
    yield {"role": "assistant", "content": "", "refusal": None}
    for said in scene.said:
        if type(said) in (Text, Cited, Refusal):
            for piece in said.pieces:
                yield {"refusal" if type(said) is Refusal else "content": piece}
    if scene.only(Cited):
        yield {"annotations": annotations(scene)}
    each = [call_deltas(i, call) for i, call in enumerate(tool_calls(scene))]
    for some in itertools.zip_longest(*each) if scene.mixed else [itertools.chain(*each)]:
        yield from filter(None, some)


def call_deltas(i, call):
    text = call["function"]["arguments"]
    yield {"tool_calls": [{"index": i, **call, "function": {**call["function"], "arguments": ""}}]}
    for at in range(0, len(text), 7):
        yield {"tool_calls": [{"index": i, "function": {"arguments": text[at:at + 7]}}]}


def chunks(scene, body):
    """The JSON of each event."""
    head = envelope(body, "chat.completion.chunk")
    wants_usage = body.get("stream_options", {}).get("include_usage", False)
    more = {"usage": None} if wants_usage else {}
    for delta in deltas(scene):
        yield {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None,
                                    "finish_reason": None}], **more, "obfuscation": "aB3x"}
    yield {**head, "choices": [{"index": 0, "delta": {}, "logprobs": None,
                                "finish_reason": FINISH[scene.stop]}], **more, "obfuscation": ""}
    if wants_usage:
        yield {**head, "choices": [], "usage": usage(scene.usage), "obfuscation": "q"}


def events(scene, body):
    """The stream, an event a string; the last is its end."""
    for chunk in chunks(scene, body):
        yield "data: " + json.dumps(chunk, ensure_ascii=scene.escaped) + "\n\n"
    yield "data: [DONE]\n\n"


TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error",
         429: "rate_limit_exceeded"}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def error(status, message):
    return {"error": {"message": message, "type": TYPES.get(status, "server_error"), "param": None,
                      "code": CODES.get(status)}}


def error_event(message):
    return "data: " + json.dumps(error(500, message)) + "\n\n"


def with_usage(answer, counts):
    """The answer or event with other counts; None: without any."""
    if counts is None:
        answer.pop("usage", None)
    elif answer.get("usage"):
        answer["usage"].update(prompt_tokens=counts, completion_tokens=counts, total_tokens=counts)
    return answer
