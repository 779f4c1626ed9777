"""A client of OpenAI's chat completions."""
import json

from .conversation import Answer, Broken, CannotSay, Failed, arguments, check

NAME = "OpenAI chat"
VENDOR = "openai"
ORDERED = False
STOP = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls",
        "filter": "content_filter", "refusal": "stop"}
HEADERS = {"Authorization": "Bearer any"}


def path(model, stream):
    return "/v1/chat/completions"


def write_part(part):
    kind = part[0]
    if kind == "text":
        return {"type": "text", "text": part[1]}
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{part[1]};base64,{part[2]}"}}
    if kind == "image_url":
        return {"type": "image_url", "image_url": {"url": part[1]}}
    if kind == "file":
        return {"type": "file", "file": {"filename": part[1],
                                         "file_data": f"data:{part[2]};base64,{part[3]}"}}
    raise CannotSay(kind)


def write_message(role, parts):
    if role == "tool":
        if not parts[0][1]:
            raise CannotSay("a result without an id")
        return [{"role": "tool", "tool_call_id": part[1], "content": part[3]} for part in parts]
    message, content, calls = {"role": role}, [], []
    for part in parts:
        if part[0] == "call":
            if not part[1]:
                raise CannotSay("a call without an id")
            calls.append({"id": part[1], "type": "function", "function": {
                "name": part[2], "arguments": json.dumps(part[3])}})
        elif part[0] == "thought":
            message["reasoning_content"] = part[1]
        else:
            content.append(write_part(part))
    message["content"] = content[0]["text"] if [each["type"] for each in content] == ["text"] \
        else content or None
    if calls:
        message["tool_calls"] = calls
    return [message]


PLAIN = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
         "stop": "stop", "presence": "presence_penalty", "frequency": "frequency_penalty",
         "max_tokens": "max_tokens", "effort": "reasoning_effort", "user": "user",
         "parallel": "parallel_tool_calls"}


def write(conversation, model, stream):
    body = {"model": model, "messages": [message for role, parts in conversation.messages
                                         for message in write_message(role, parts)]}
    for name, value in conversation.options.items():
        if name in PLAIN:
            body[PLAIN[name]] = value
        elif name == "tools":
            body["tools"] = [{"type": "function", "function": {
                "name": tool.name, "description": tool.description,
                "parameters": tool.parameters}} for tool in value]
        elif name == "choice":
            body["tool_choice"] = value if value in ("auto", "none", "required") else \
                {"type": "function", "function": {"name": value}}
        elif name == "schema":
            body["response_format"] = {"type": "json_schema",
                                       "json_schema": {"name": "answer", "schema": value}}
        elif name == "json":
            body["response_format"] = {"type": "json_object"}
        elif name == "logprobs":
            body.update(logprobs=True, top_logprobs=value)
        else:
            raise CannotSay(name)
    if stream:
        body.update(stream=True, stream_options={"include_usage": True})
    return body


def take_usage(usage, answer):
    check(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], "total")
    answer.usage = {"prompt": usage["prompt_tokens"], "completion": usage["completion_tokens"],
                    "cached": usage["prompt_tokens_details"]["cached_tokens"],
                    "thought": usage["completion_tokens_details"]["reasoning_tokens"]}


def take_annotations(annotations, answer):
    for each in annotations or []:
        check(each["type"] == "url_citation", str(each))
        cited = each["url_citation"]
        answer.citations.append((answer.text[cited["start_index"]:cited["end_index"]],
                                 cited["url"], cited["title"]))


def take_end(choice, calls, answer):
    answer.stop = choice["finish_reason"]
    for call in calls:
        check(call["type"] == "function" and call["id"], f"a call without type or id: {call}")
        answer.calls.append((call["function"]["name"], arguments(
            call["function"]["arguments"], answer.stop == STOP["length"])))
        answer.ids.append(call["id"])
        answer.add("c")


def read(body):
    json_body = json.loads(body)
    check(json_body["object"] == "chat.completion" and len(json_body["choices"]) == 1, "object")
    choice, = json_body["choices"]
    message, answer = choice["message"], Answer()
    answer.text, answer.refusal = message["content"] or "", message["refusal"] or ""
    answer.thought = message.get("reasoning_content", "")
    take_annotations(message.get("annotations"), answer)
    answer.add("t" if answer.text else "")
    take_end(choice, message.get("tool_calls", []), answer)
    take_usage(json_body["usage"], answer)
    return answer


def take_calls(deltas, calls):
    for delta in deltas:
        if delta["index"] == len(calls):
            calls.append({"id": delta["id"], "type": delta["type"],
                          "function": {"name": delta["function"]["name"], "arguments": ""}})
        else:
            check(delta["index"] < len(calls) and "id" not in delta, "id given again")
            check("name" not in delta["function"], "name given again")
        calls[delta["index"]]["function"]["arguments"] += delta["function"].get("arguments", "")


def read_stream(body):
    events = body.split("\n\n")
    check(events[-1] == "" and all(e.startswith("data: ") for e in events[:-1]), "events")
    answer, calls, reason, done, head = Answer(), [], None, False, None
    for event in events[:-1]:
        check(not done, "events after [DONE]")
        if event == "data: [DONE]":
            done = True
            continue
        chunk = json.loads(event[6:])
        if chunk.get("error"):
            raise Failed(200, error_message(chunk))
        head = head or (chunk["id"], chunk["created"], chunk["model"])
        check(head == (chunk["id"], chunk["created"], chunk["model"]), "the head changes")
        if not chunk["choices"]:
            take_usage(chunk["usage"], answer)
            continue
        choice, = chunk["choices"]
        check(reason is None, "deltas after the finish_reason")
        reason = choice["finish_reason"]
        delta = choice["delta"]
        answer.text += delta.get("content") or ""
        answer.thought += delta.get("reasoning_content") or ""
        answer.refusal += delta.get("refusal") or ""
        take_annotations(delta.get("annotations"), answer)
        take_calls(delta.get("tool_calls", []), calls)
    if not done or not reason:
        raise Broken("a short success: no end")
    answer.add("t" if answer.text else "")
    take_end({"finish_reason": reason}, calls, answer)
    return answer


def error_message(body):
    error = body["error"]
    check(isinstance(error["message"], str) and error["message"], "error's message")
    check({"type", "param", "code"} <= set(error), "error's members")
    check(error["code"] is None or isinstance(error["code"], str), "error's code")
    return error["message"]


def failure(status, body):
    return Failed(status, error_message(body), body["error"]["param"])
