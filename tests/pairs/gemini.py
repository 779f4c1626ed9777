"""A client of Gemini's generateContent."""
import json

from .conversation import Answer, Broken, CannotSay, Failed, check

NAME = "Gemini"
VENDOR = "google"
ORDERED = True
STOP = {"stop": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP",
        "filter": "SAFETY", "refusal": "SAFETY"}
HEADERS = {"x-goog-api-key": "any"}


def path(model, stream):
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model}:{method}"


def write_part(part):
    kind = part[0]
    if kind == "text":
        return {"text": part[1]}
    if kind in ("image", "file"):
        return {"inlineData": {"mimeType": part[-2], "data": part[-1]}}
    if kind in ("image_url", "file_url"):
        kind = "image/png" if kind == "image_url" else "application/pdf"
        return {"fileData": {"mimeType": kind, "fileUri": part[1]}}
    if kind == "ran":
        return {"executableCode": {"language": "PYTHON", "code": part[1]}}
    if kind == "gave":
        return {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": part[1]}}
    if kind == "thought":
        return {"text": part[1], "thought": True}
    number = {"id": part[1]} if part[1] else {}
    if kind == "call":
        return {"functionCall": {**number, "name": part[2], "args": part[3]}}
    return {"functionResponse": {**number, "name": part[2],
                                 "response": {"error" if part[4] else "output": part[3]}}}


def write_parts(parts):
    """A thought's signature stands on the part after it."""
    out, signature = [], None
    for part in parts:
        out.append(write_part(part))
        if signature:
            out[-1]["thoughtSignature"] = signature
        signature = part[2] if part[0] == "thought" else None
    return out


ROLES = {"user": "user", "tool": "user", "assistant": "model"}
PLAIN = {"temperature": "temperature", "top_p": "topP", "top_k": "topK", "seed": "seed",
         "stop": "stopSequences", "presence": "presencePenalty", "frequency": "frequencyPenalty",
         "max_tokens": "maxOutputTokens"}


def write_tools(tools):
    return [{"functionDeclarations": [
        {"name": tool.name, "description": tool.description,
         "parametersJsonSchema": tool.parameters} for tool in tools]}]


def write_choice(value):
    modes = {"auto": {"mode": "AUTO"}, "none": {"mode": "NONE"}, "required": {"mode": "ANY"}}
    return {"functionCallingConfig": modes.get(value, {"mode": "ANY",
                                                       "allowedFunctionNames": [value]})}


def write(conversation, model, stream):
    body, config = {"contents": []}, {}
    for role, parts in conversation.messages:
        if role == "system":
            if body["contents"]:
                raise CannotSay("later instructions")
            body.setdefault("systemInstruction", {"parts": []})["parts"] += write_parts(parts)
        elif body["contents"] and body["contents"][-1]["role"] == ROLES[role]:
            body["contents"][-1]["parts"] += write_parts(parts)
        else:
            body["contents"].append({"role": ROLES[role], "parts": write_parts(parts)})
    for name, value in conversation.options.items():
        if name in PLAIN:
            config[PLAIN[name]] = value
        elif name == "tools":
            body["tools"] = write_tools(value)
        elif name == "choice":
            body["toolConfig"] = write_choice(value)
        elif name == "schema":
            config.update(responseMimeType="application/json", responseJsonSchema=value)
        elif name == "json":
            config["responseMimeType"] = "application/json"
        elif name == "logprobs":
            config.update(responseLogprobs=True, logprobs=value)
        elif name == "budget":
            config["thinkingConfig"] = {"thinkingBudget": value, "includeThoughts": True}
        elif name == "effort":
            config["thinkingConfig"] = {"thinkingLevel": value.upper()}
        else:
            raise CannotSay(name)
    if config:
        body["generationConfig"] = config
    return body


def take_grounding(grounding, answer):
    """Places in the text are counted in bytes."""
    data = answer.text.encode()
    for support in grounding["groundingSupports"]:
        segment = support["segment"]
        text = data[segment.get("startIndex", 0):segment["endIndex"]].decode()
        check(segment["text"] == text, f"a segment that is not the text: {segment}")
        for index in support["groundingChunkIndices"]:
            page = grounding["groundingChunks"][index]["web"]
            answer.citations.append((text, page["uri"], page["title"]))


def take(body, answer):
    candidate, = body["candidates"]
    check(candidate["content"]["role"] == "model", "role")
    for part in candidate["content"]["parts"]:
        if "thoughtSignature" in part:
            answer.signatures.append(part["thoughtSignature"])
        if "functionCall" in part:
            call = part["functionCall"]
            check(isinstance(call["args"], dict), "args")
            answer.calls.append((call["name"], call["args"]))
            answer.ids.append(call.get("id"))
            answer.add("c")
        elif "executableCode" in part or "codeExecutionResult" in part:
            answer.vendors.append(part)
        elif part.get("thought"):
            answer.thought += part["text"]
        else:
            answer.text += part["text"]
            answer.add("t" if part["text"] else "")
    if grounding := candidate.get("groundingMetadata"):
        take_grounding(grounding, answer)
    answer.stop = candidate.get("finishReason", answer.stop)
    if usage := body.get("usageMetadata"):
        thought = usage.get("thoughtsTokenCount", 0)
        answer.usage = {"prompt": usage["promptTokenCount"], "thought": thought,
                        "completion": usage["candidatesTokenCount"] + thought,
                        "cached": usage.get("cachedContentTokenCount", 0)}
        check(usage["totalTokenCount"] == answer.usage["prompt"] + answer.usage["completion"],
              "total")


def read(body):
    answer = Answer()
    take(json.loads(body), answer)
    check(answer.usage, "no usage")
    return answer


def read_stream(body):
    events, answer = body.replace("\r\n", "\n").split("\n\n"), Answer()
    check(events[-1] == "" and all(e.startswith("data: {") for e in events[:-1]), "events")
    for event in events[:-1]:
        chunk = json.loads(event[6:])
        if "error" in chunk:
            raise Failed(200, error_message(chunk))
        check(not answer.stop, "events after the finishReason")
        take(chunk, answer)
    if not answer.stop:
        raise Broken("a short success: no finishReason")
    return answer


STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 422: "INVALID_ARGUMENT",
            429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE",
            504: "DEADLINE_EXCEEDED"}


def error_message(body):
    error = body["error"]
    check(error["message"] and error["status"] == STATUSES.get(error["code"]), str(error))
    return error["message"]


def failure(status, body):
    message = error_message(body)
    check(body["error"]["code"] == status, "code")
    details = body["error"].get("details", [{}])[0].get("fieldViolations", [{}])
    return Failed(status, message, details[0].get("field"))
