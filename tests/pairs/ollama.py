"""A client of Ollama's chat."""
import json

from .conversation import Answer, Broken, CannotSay, Failed, check

NAME = "Ollama chat"
VENDOR = "ollama"
ORDERED = False
STOP = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "stop",
        "filter": "content_filter", "refusal": "refusal"}
HEADERS = {}


def path(model, stream):
    return "/api/chat"


def write_message(role, parts):
    if role == "tool":
        return [{"role": "tool", "tool_name": part[2], "content": part[3],
                 **({"tool_call_id": part[1]} if part[1] else {})} for part in parts]
    message = {"role": role, "content": ""}
    for part in parts:
        if part[0] == "text":
            message["content"] += part[1]
        elif part[0] == "image":
            message.setdefault("images", []).append(part[2])
        elif part[0] == "thought":
            message["thinking"] = part[1]
        elif part[0] == "call":
            message.setdefault("tool_calls", []).append(
                {**({"id": part[1]} if part[1] else {}),
                 "function": {"name": part[2], "arguments": part[3]}})
        else:
            raise CannotSay(part[0])
    return [message]


PLAIN = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
         "stop": "stop", "presence": "presence_penalty", "frequency": "frequency_penalty",
         "max_tokens": "num_predict"}


def write(conversation, model, stream):
    body, options = {"model": model, "stream": stream}, {}
    body["messages"] = [message for role, parts in conversation.messages
                        for message in write_message(role, parts)]
    for name, value in conversation.options.items():
        if name in PLAIN:
            options[PLAIN[name]] = value
        elif name == "tools":
            body["tools"] = [{"type": "function", "function": {
                "name": tool.name, "description": tool.description,
                "parameters": tool.parameters}} for tool in value]
        elif name == "schema":
            body["format"] = value
        elif name == "json":
            body["format"] = "json"
        elif name == "effort":
            body["think"] = value
        elif name == "logprobs":
            body.update(logprobs=True, top_logprobs=value)
        else:
            raise CannotSay(name)
    if options:
        body["options"] = options
    return body


def take(line, answer):
    check({"model", "created_at", "message", "done"} <= set(line), "members of a line")
    message = line["message"]
    check(message["role"] == "assistant", "role")
    answer.text += message["content"]
    answer.add("t" if message["content"] else "")
    answer.thought += message.get("thinking", "")
    for call in message.get("tool_calls", []):
        check(isinstance(call["function"]["arguments"], dict), "arguments")
        answer.calls.append((call["function"]["name"], call["function"]["arguments"]))
        answer.ids.append(call.get("id"))
        answer.add("c")
    if line["done"]:
        answer.stop = line["done_reason"]
        answer.usage = {"prompt": line["prompt_eval_count"], "completion": line["eval_count"]}
        check(all(line[name] > 0 for name in ("total_duration", "eval_duration")), "durations")


def read(body):
    line, answer = json.loads(body), Answer()
    check(line["done"] is True, "not done")
    take(line, answer)
    return answer


def read_stream(body):
    lines, answer = body.split("\n"), Answer()
    check(lines[-1] == "", "the last line has no end")
    for text in lines[:-1]:
        line = json.loads(text)
        if "error" in line:
            raise Failed(200, error_message(line))
        check(not answer.stop, "lines after the last")
        take(line, answer)
    if not answer.stop:
        raise Broken("a short success: no last line")
    return answer


def error_message(body):
    check(isinstance(body["error"], str) and body["error"] and len(body) == 1, str(body))
    return body["error"]


def failure(status, body):
    return Failed(status, error_message(body))
