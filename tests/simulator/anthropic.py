"""Anthropic's messages and count_tokens, as api.anthropic.com answers."""
import json

from .scenes import Call, Cited, Ran, Refusal, Text, Thought

PREFIX = "/anthropic"
STREAM_TYPE = "text/event-stream; charset=utf-8"
STOP = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens",
        "tool_calls": "tool_use", "filter": "refusal", "refusal": "refusal"}


def route(method, path):
    return {("POST", "/v1/messages"): "chat", ("POST", "/v1/messages/count_tokens"): "count",
            ("GET", "/v1/models"): "models"}.get((method, path))


def asked(path, body):
    return body["model"], body.get("stream", False)


def has_key(headers, key):
    return headers.get("x-api-key") == key and "Authorization" not in headers


def count(n_tokens):
    return {"input_tokens": n_tokens}


def models(names):
    return {"data": [{"type": "model", "id": name, "display_name": name,
                      "created_at": "2025-02-19T00:00:00Z"} for name in names],
            "has_more": False, "first_id": names[0], "last_id": names[-1]}


def usage(used):
    """Input tokens without those of the cache."""
    return {"input_tokens": used.prompt - used.cached - used.written,
            "cache_creation_input_tokens": used.written, "cache_read_input_tokens": used.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": used.written,
                               "ephemeral_1h_input_tokens": 0},
            "output_tokens": used.completion, "service_tier": "standard", "inference_geo": "global"}


def blocks(scene):
    for i, said in enumerate(scene.said):
        if type(said) is Call:
            yield {"type": "tool_use", "id": f"toolu_{i}abc", "name": said.name,
                   "input": said.arguments, "caller": {"type": "direct"}}, said
        elif type(said) is Ran:
            yield {"type": "server_tool_use", "id": "srvtoolu_01WYG3ziw53XMcoyKL4XcZmE",
                   "name": "web_search", "input": {"query": said.asked},
                   "caller": {"type": "direct"}}, said
            yield {"type": "web_search_tool_result", "caller": {"type": "direct"},
                   "tool_use_id": "srvtoolu_01WYG3ziw53XMcoyKL4XcZmE",
                   "content": [{"type": "web_search_result", "url": "https://example.com/",
                                "title": said.gave, "encrypted_content": "EqgfCioIARgBIiQ3",
                                "page_age": None}]}, None
        elif type(said) is Cited:
            yield {"type": "text", "text": said.text, "citations": [
                {"type": "web_search_result_location", "url": source.url, "title": source.title,
                 "cited_text": source.quote, "encrypted_index": "Eo8BCioIAhgBIiQy"}
                for source in said.sources]}, said
        elif type(said) is Thought and said.encrypted:
            yield {"type": "redacted_thinking", "data": said.encrypted}, said
        elif type(said) is Thought:
            yield {"type": "thinking", "thinking": said.text, "signature": said.signature}, said
        else:
            yield {"type": "text", "text": said.text}, said


def message(scene, body, content):
    return {"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
            "model": body["model"] + "-20250929", "content": content}


def stop(scene):
    details = {"type": "refusal", "category": "cyber"} if STOP[scene.stop] == "refusal" else None
    return {"stop_reason": STOP[scene.stop], "stop_sequence": scene.stop_sequence or None,
            "stop_details": details}


def whole(scene, body):
    return {**message(scene, body, [block for block, _ in blocks(scene)]), **stop(scene),
            "usage": usage(scene.usage), "container": None}


def deltas(said, cut):
    if type(said) is Call:
        text = json.dumps(said.arguments)
        text = text[:-9] if cut else text
        yield {"type": "input_json_delta", "partial_json": ""}
        for at in range(0, len(text), 7):
            yield {"type": "input_json_delta", "partial_json": text[at:at + 7]}
    elif type(said) is Thought:
        for piece in said.pieces:
            yield {"type": "thinking_delta", "thinking": piece}
        if said.signature:
            yield {"type": "signature_delta", "signature": said.signature}
    elif type(said) is Ran:
        text = json.dumps({"query": said.asked})
        yield {"type": "input_json_delta", "partial_json": ""}
        for at in range(0, len(text), 7):
            yield {"type": "input_json_delta", "partial_json": text[at:at + 7]}
    elif type(said) in (Text, Cited, Refusal):
        for piece in said.pieces:
            yield {"type": "text_delta", "text": piece}


EMPTY = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""},
         "tool_use": {"input": {}}, "server_tool_use": {"input": {}}}


def chunks(scene, body):
    first = {**message(scene, body, []), "stop_reason": None, "stop_sequence": None,
             "usage": {**usage(scene.usage), "output_tokens": 1}}
    yield {"type": "message_start", "message": first}
    yield {"type": "ping"}
    for i, (block, said) in enumerate(blocks(scene)):
        start = {**block, **EMPTY.get(block["type"], {})}
        if "citations" in block:
            start["citations"] = []
        yield {"type": "content_block_start", "index": i, "content_block": start}
        for citation in block.get("citations", []):
            yield {"type": "content_block_delta", "index": i,
                   "delta": {"type": "citations_delta", "citation": citation}}
        for delta in deltas(said, scene.cut and said is scene.said[-1]):
            yield {"type": "content_block_delta", "index": i, "delta": delta}
        yield {"type": "content_block_stop", "index": i}
    yield {"type": "message_delta", "delta": stop(scene),
           "usage": {key: value for key, value in usage(scene.usage).items()
                     if key.endswith("tokens")}}
    yield {"type": "message_stop"}


def event(chunk, escaped=False):
    return f"event: {chunk['type']}\ndata: {json.dumps(chunk, ensure_ascii=escaped)}\n\n"


def events(scene, body):
    for chunk in chunks(scene, body):
        yield event(chunk, scene.escaped)


TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
         429: "rate_limit_error", 529: "overloaded_error"}


def error(status, text):
    return {"type": "error", "error": {"type": TYPES.get(status, "api_error"), "message": text},
            "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


def error_event(text):
    return event({"type": "error", "error": {"type": "overloaded_error", "message": text}})


def with_usage(answer, counts):
    for owner in (answer, answer.get("message", {})):
        if counts is None:
            owner.pop("usage", None)
        elif owner.get("usage"):
            owner["usage"].update(input_tokens=counts, output_tokens=counts,
                                  cache_read_input_tokens=counts,
                                  cache_creation_input_tokens=counts)
    return answer
