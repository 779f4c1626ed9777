"""A client of Anthropic's messages."""
import json

from .conversation import Answer, Broken, CannotSay, Failed, arguments, check

NAME = "Anthropic messages"
VENDOR = "anthropic"
ORDERED = True
STOP = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens",
        "tool_calls": "tool_use", "filter": "refusal", "refusal": "refusal"}
HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01"}


def path(model, stream):
    return "/v1/messages"


def write_part(part):
    kind = part[0]
    if kind == "text":
        return {"type": "text", "text": part[1]}
    if kind in ("image", "file"):
        source = {"type": "base64", "media_type": part[-2], "data": part[-1]}
        return {"type": "image", "source": source} if kind == "image" else \
            {"type": "document", "source": source, "title": part[1]}
    if kind in ("image_url", "file_url"):
        return {"type": "image" if kind == "image_url" else "document",
                "source": {"type": "url", "url": part[1]}}
    if kind == "ran":
        return {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
                "input": {"query": part[1]}}
    if kind == "gave":
        return {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "url": "https://example.com/", "title": part[1],
             "encrypted_content": "EqgfCioI"}]}
    if kind == "thought":
        return {"type": "thinking", "thinking": part[1], "signature": part[2]}
    if not part[1]:
        raise CannotSay("calls without ids")
    if kind == "call":
        return {"type": "tool_use", "id": part[1], "name": part[2], "input": part[3]}
    return {"type": "tool_result", "tool_use_id": part[1], "content": part[3],
            **({"is_error": True} if part[4] else {})}


def write_messages(conversation, body):
    for role, parts in conversation.messages:
        if role == "system" and not body["messages"]:
            body.setdefault("system", []).extend(write_part(part) for part in parts)
            continue
        role = "user" if role == "tool" else role
        content = [write_part(part) for part in parts]
        if body["messages"] and body["messages"][-1]["role"] == role:
            body["messages"][-1]["content"] += content
        else:
            body["messages"].append({"role": role, "content": content})


PLAIN = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k",
         "stop": "stop_sequences", "max_tokens": "max_tokens"}


def write(conversation, model, stream):
    body = {"model": model, "max_tokens": 16, "messages": []}
    write_messages(conversation, body)
    for name, value in conversation.options.items():
        if name in PLAIN:
            body[PLAIN[name]] = value
        elif name == "tools":
            body["tools"] = [{"name": tool.name, "description": tool.description,
                              "input_schema": tool.parameters} for tool in value]
        elif name == "choice":
            body.setdefault("tool_choice", {}).update(
                {"type": {"required": "any"}.get(value, value)}
                if value in ("auto", "none", "required") else {"type": "tool", "name": value})
        elif name == "parallel":
            body.setdefault("tool_choice", {"type": "auto"})["disable_parallel_tool_use"] = \
                not value
        elif name == "schema":
            body["output_config"] = {"format": {"type": "json_schema", "schema": value}}
        elif name == "effort":
            body["output_config"] = {"effort": value}
        elif name == "budget":
            body.update(thinking={"type": "enabled", "budget_tokens": value},
                        max_tokens=2 * value)
        elif name == "user":
            body["metadata"] = {"user_id": value}
        else:
            raise CannotSay(name)
    if stream:
        body["stream"] = True
    return body


def take_usage(usage, answer):
    cached, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    check(min(usage["input_tokens"], cached, written) >= 0, "negative counts")
    answer.usage = {"prompt": usage["input_tokens"] + cached + written, "cached": cached,
                    "written": written, "completion": usage["output_tokens"]}


def take_block(block, answer):
    kind = block["type"]
    if kind == "text":
        answer.text += block["text"]
        answer.add("t")
        answer.citations += [(block["text"], each["url"], each["title"])
                             for each in block.get("citations") or []]
    elif kind == "thinking":
        answer.thought += block["thinking"]
        answer.signatures.append(block["signature"])
    elif kind == "redacted_thinking":
        answer.signatures.append(block["data"])
    elif kind == "server_tool_use" or kind.endswith("_tool_result"):
        answer.vendors.append({key: value for key, value in block.items() if key != "_json"})
    else:
        check(kind == "tool_use" and block["id"], str(block))
        check(isinstance(block["input"], dict) or "_json" in block, str(block))
        answer.calls.append((block["name"], block["input"]))
        answer.ids.append(block["id"])
        answer.add("c")


def read(body):
    message, answer = json.loads(body), Answer()
    check(message["type"] == "message" and message["role"] == "assistant", "message")
    for block in message["content"]:
        take_block(block, answer)
    answer.stop, answer.stop_sequence = message["stop_reason"], message["stop_sequence"]
    take_usage(message["usage"], answer)
    return answer


DELTAS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking"),
          "signature_delta": ("thinking", "signature")}


def take_delta(delta, block):
    if delta["type"] == "input_json_delta":
        check(block["type"] in ("tool_use", "server_tool_use"), "a tool's delta in another block")
        block["_json"] = block.get("_json", "") + delta["partial_json"]
        return
    if delta["type"] == "citations_delta":
        check(block["type"] == "text", "a citation in another block")
        block["citations"] = [*(block["citations"] or []), delta["citation"]]
        return
    kind, member = DELTAS[delta["type"]]
    check(block["type"] == kind, f"{delta['type']} in a block of {block['type']}")
    block[member] += delta[member]


def end_block(block, answer):
    if block.get("_json"):
        block["input"] = arguments(block["_json"], may_be_cut=True)
    take_block(block, answer)


def read_stream(body):
    events = body.split("\n\n")
    check(events[-1] == "", "the last event has no end")
    answer, block, state, n_blocks = Answer(), None, "new", 0
    for event in events[:-1]:
        name, data = event.split("\n")
        chunk = json.loads(data.removeprefix("data: "))
        kind = chunk["type"]
        check(name == "event: " + kind and data.startswith("data: "), event)
        if kind == "error":
            raise Failed(200, error_message(chunk))
        check(state != "over", "events after message_stop")
        if kind == "ping":
            continue
        if kind == "message_start":
            check(state == "new" and chunk["message"]["content"] == [], "message_start")
            take_usage(chunk["message"]["usage"], answer)
            state = "open"
            continue
        check(state in ("open", "ending"), f"{kind} before message_start")
        if kind == "content_block_start":
            check(block is None and chunk["index"] == n_blocks, "blocks overlap")
            block, n_blocks = chunk["content_block"], n_blocks + 1
        elif kind == "content_block_delta":
            check(block is not None and chunk["index"] == n_blocks - 1, "no such block")
            take_delta(chunk["delta"], block)
        elif kind == "content_block_stop":
            check(block is not None and chunk["index"] == n_blocks - 1, "no such block")
            end_block(block, answer)
            block = None
        elif kind == "message_delta":
            check(block is None, "message_delta in a block")
            answer.stop = chunk["delta"]["stop_reason"]
            answer.stop_sequence = chunk["delta"]["stop_sequence"]
            take_usage({**{"input_tokens": 0, "cache_read_input_tokens": 0,
                           "cache_creation_input_tokens": 0}, **chunk["usage"]}, answer)
            state = "ending"
            cut = any(given is None for _, given in answer.calls)
            check(not cut or answer.stop == STOP["length"], "arguments that are no JSON")
        else:
            check(kind == "message_stop" and state == "ending", f"{kind} out of order")
            state = "over"
    if state != "over":
        raise Broken("a short success: no message_stop")
    return answer


TYPES = {400: "invalid_request_error", 404: "not_found_error", 422: "invalid_request_error",
         429: "rate_limit_error", 502: "api_error", 503: "overloaded_error",
         504: "timeout_error", 529: "overloaded_error"}


def error_message(body):
    check(body["type"] == "error" and body["error"]["type"] in TYPES.values(), str(body))
    check(body["request_id"] and body["error"]["message"], "request_id or message")
    return body["error"]["message"]


def failure(status, body):
    message = error_message(body)
    check(body["error"]["type"] == TYPES.get(status), f"{body['error']['type']} with {status}")
    return Failed(status, message)
