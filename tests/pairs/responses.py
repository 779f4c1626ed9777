"""A client of OpenAI's Responses."""
import json

from . import openai
from .conversation import Answer, Broken, CannotSay, Failed, arguments, check

NAME = "OpenAI responses"
VENDOR = "openai"
ORDERED = True
STOP = {"stop": "completed", "stop_sequence": "completed", "length": "max_output_tokens",
        "tool_calls": "completed", "filter": "content_filter", "refusal": "completed"}
HEADERS = openai.HEADERS


def path(model, stream):
    return "/v1/responses"


def write_part(role, part):
    kind = part[0]
    if kind == "text":
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part[1],
                **({"annotations": []} if role == "assistant" else {})}
    if kind == "image":
        return {"type": "input_image", "detail": "auto",
                "image_url": f"data:{part[1]};base64,{part[2]}"}
    if kind == "image_url":
        return {"type": "input_image", "detail": "auto", "image_url": part[1]}
    if kind == "file":
        return {"type": "input_file", "filename": part[1],
                "file_data": f"data:{part[2]};base64,{part[3]}"}
    if kind == "file_url":
        return {"type": "input_file", "file_url": part[1]}
    raise CannotSay(kind)


def write_items(role, parts):
    items = []
    for part in parts:
        if part[0] in ("call", "result") and not part[1]:
            raise CannotSay("calls without ids")
        if part[0] == "ran":
            items.append({"type": "web_search_call", "id": "ws_1", "status": "completed",
                          "action": {"type": "search", "query": part[1]}})
        elif part[0] == "gave":
            continue  # it is not told
        elif part[0] == "call":
            items.append({"type": "function_call", "call_id": part[1], "name": part[2],
                          "arguments": json.dumps(part[3])})
        elif part[0] == "result":
            items.append({"type": "function_call_output", "call_id": part[1], "output": part[3]})
        elif part[0] == "thought":
            items.append({"type": "reasoning", "id": "rs_1", "encrypted_content": part[2],
                          "summary": [{"type": "summary_text", "text": part[1]}]})
        elif items and items[-1].get("type") == "message":
            items[-1]["content"].append(write_part(role, part))
        else:
            items.append({"type": "message", "role": role, "content": [write_part(role, part)]})
    return items


PLAIN = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens",
         "user": "user", "parallel": "parallel_tool_calls"}


def write(conversation, model, stream):
    body = {"model": model, "store": False,
            "input": [item for role, parts in conversation.messages
                      for item in write_items(role, parts)]}
    for name, value in conversation.options.items():
        if name in PLAIN:
            body[PLAIN[name]] = value
        elif name == "tools":
            body["tools"] = [{"type": "function", "name": tool.name, "strict": False,
                              "description": tool.description, "parameters": tool.parameters}
                             for tool in value]
        elif name == "choice":
            body["tool_choice"] = value if value in ("auto", "none", "required") else \
                {"type": "function", "name": value}
        elif name == "schema":
            body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": value}}
        elif name == "json":
            body["text"] = {"format": {"type": "json_object"}}
        elif name == "effort":
            body["reasoning"] = {"effort": value}
        elif name == "logprobs":
            body.update(top_logprobs=value, include=["message.output_text.logprobs"])
        else:
            raise CannotSay(name)
    if stream:
        body["stream"] = True
    return body


def take_item(item, answer):
    kind = item["type"]
    if kind == "message":
        check(item["role"] == "assistant" and item["id"], "a message's role or id")
        for part in item["content"]:
            if part["type"] == "refusal":
                answer.refusal += part["refusal"]
            else:
                check(part["type"] == "output_text", str(part))
                answer.citations += [
                    (part["text"][each["start_index"]:each["end_index"]], each["url"],
                     each["title"]) for each in part["annotations"]]
                answer.text += part["text"]
                answer.add("t" if part["text"] else "")
    elif kind == "function_call":
        check(item["call_id"] and item["id"], "ids of a call")
        answer.calls.append((item["name"], arguments(item["arguments"],
                                                     item["status"] == "incomplete")))
        answer.ids.append(item["call_id"])
        answer.add("c")
    elif kind == "web_search_call":
        answer.vendors.append(item)
    else:
        check(kind == "reasoning" and item["id"], str(item))
        answer.thought += "".join(part["text"] for part in
                                  item.get("content") or item["summary"])
        if item.get("encrypted_content"):
            answer.signatures.append(item["encrypted_content"])


def take_response(response, answer):
    check(response["object"] == "response" and response["id"], "object or id")
    for item in response["output"]:
        take_item(item, answer)
    if response["status"] == "failed":
        raise Failed(200, response["error"]["message"])
    details = response["incomplete_details"]
    check((response["status"] == "incomplete") == bool(details), "incomplete_details")
    answer.stop = details["reason"] if details else response["status"]
    usage = response["usage"]
    check(usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], "total")
    answer.usage = {"prompt": usage["input_tokens"], "completion": usage["output_tokens"],
                    "cached": usage["input_tokens_details"]["cached_tokens"],
                    "thought": usage["output_tokens_details"]["reasoning_tokens"]}


def read(body):
    answer = Answer()
    take_response(json.loads(body), answer)
    return answer


class Items:
    """What the deltas of a stream have made, to be compared with its end."""

    def __init__(self):
        self.texts = {}
        self.annotations = {}
        self.n_added = 0
        self.done = {}

    def take(self, kind, event):
        at = (event["output_index"], event.get("content_index"))
        if kind == "response.output_item.added":
            check(event["output_index"] == self.n_added, "items out of order")
            self.n_added += 1
        elif kind == "response.output_text.annotation.added":
            some = self.annotations.setdefault(at, [])
            check(event["annotation_index"] == len(some), "annotations out of order")
            some.append(event["annotation"])
        elif kind == "response.content_part.done":
            annotations = event["part"].get("annotations", [])
            check(self.annotations.get(at, []) == annotations, "other annotations at the end")
        elif kind.endswith(".delta"):
            self.texts[at] = self.texts.get(at, "") + event["delta"]
        elif kind == "response.output_item.done":
            at = event["output_index"]
            check(at < self.n_added and at not in self.done, "an item done twice or never begun")
            self.done[at] = event["item"]
        elif kind.endswith(".done"):
            whole = event.get("text", event.get("arguments", event.get("refusal")))
            check(whole is None or self.texts.get(at, "") == whole, f"{kind} is not its deltas")


def read_stream(body):
    events = body.split("\n\n")
    check(events[-1] == "", "the last event has no end")
    items, number, end, answer = Items(), -1, None, Answer()
    for text in events[:-1]:
        name, data = text.split("\n")
        event = json.loads(data.removeprefix("data: "))
        kind = event["type"]
        check(name == "event: " + kind, text)
        check(event["sequence_number"] == number + 1, "sequence_number")
        number += 1
        check(end is None, "events after the end")
        if kind == "error":
            check(event["message"] and "code" in event and "param" in event, str(event))
            raise Failed(200, event["message"])
        if kind in ("response.created", "response.in_progress"):
            check(event["response"]["output"] == [], "output at the start")
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            end = event["response"]
        else:
            items.take(kind, event)
    if end is None:
        raise Broken("a short success: no end")
    take_response(end, answer)
    done = [items.done[at] for at in sorted(items.done)]
    check(done == end["output"], "the items done are not the output")
    return answer


failure = openai.failure
