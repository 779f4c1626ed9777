"""What a request that left for a vendor says, in conversation.py's words: (messages, options)."""
import json


def url_part(url):
    if not url.startswith("data:"):
        return ("image_url", url)
    kind, data = url[5:].split(";base64,")
    return ("image", kind, data)


def openai_part(part):
    kind = part["type"]
    if kind == "image_url":
        return url_part(part["image_url"]["url"])
    if kind == "file":
        media, data = part["file"]["file_data"][5:].split(";base64,")
        return ("file", part["file"].get("filename", ""), media, data)
    return ("text", part[kind])


def openai_parts(message):
    if message["role"] == "tool":
        content = message["content"]
        if isinstance(content, list):
            content = "".join(part["text"] for part in content)
        return [("result", message["tool_call_id"], message.get("name", ""), content, False)]
    content = message.get("content") or []
    parts = [("text", content)] if isinstance(content, str) else \
        [openai_part(part) for part in content]
    if message.get("reasoning_content"):
        parts.insert(0, ("thought", message["reasoning_content"]))
    return parts + [("call", call["id"], call["function"]["name"],
                     json.loads(call["function"]["arguments"] or "{}"))
                    for call in message.get("tool_calls", [])]


def picked(body, names):
    return {ours: body[theirs] for ours, theirs in names.items() if theirs in body}


def openai(body):
    options = picked(body, {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k",
                            "seed": "seed", "stop": "stop", "presence": "presence_penalty",
                            "frequency": "frequency_penalty", "effort": "reasoning_effort",
                            "user": "user", "parallel": "parallel_tool_calls",
                            "logprobs": "top_logprobs"})
    if "max_completion_tokens" in body or "max_tokens" in body:
        options["max_tokens"] = body.get("max_completion_tokens", body.get("max_tokens"))
    if "tools" in body:
        options["tools"] = [(t["function"]["name"], t["function"].get("description"),
                             t["function"].get("parameters")) for t in body["tools"]]
    if choice := body.get("tool_choice"):
        options["choice"] = choice if isinstance(choice, str) else choice["function"]["name"]
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        options["schema"] = form["json_schema"]["schema"]
    elif form.get("type") == "json_object":
        options["json"] = True
    roles = {"developer": "system"}
    return [(roles.get(m["role"], m["role"]), openai_parts(m)) for m in body["messages"]], options


def responses_part(part):
    kind = part["type"]
    if kind == "input_image":
        return url_part(part["image_url"])
    if kind == "input_file" and "file_url" in part:
        return ("file_url", part["file_url"])
    if kind == "input_file":
        media, data = part["file_data"][5:].split(";base64,")
        return ("file", part.get("filename", ""), media, data)
    return ("text", part["text"])


def responses_item(item):
    """(role, parts)"""
    kind = item["type"]
    if kind == "function_call":
        return "assistant", [("call", item["call_id"], item["name"],
                              json.loads(item["arguments"] or "{}"))]
    if kind == "function_call_output":
        output = item["output"]
        if isinstance(output, list):
            output = "".join(part["text"] for part in output)
        return "tool", [("result", item["call_id"], "", output, False)]
    if kind == "reasoning":
        return "assistant", [("thought", "".join(part["text"] for part in item["summary"]),
                              item["encrypted_content"])]
    if kind == "web_search_call":
        return "assistant", [("ran", item["action"]["query"])]
    content = item["content"]
    parts = [("text", content)] if isinstance(content, str) else \
        [responses_part(part) for part in content]
    return {"developer": "system"}.get(item["role"], item["role"]), parts


def responses(body):
    options = picked(body, {"temperature": "temperature", "top_p": "top_p", "user": "user",
                            "parallel": "parallel_tool_calls", "logprobs": "top_logprobs",
                            "max_tokens": "max_output_tokens"})
    options |= picked(body.get("reasoning", {}), {"effort": "effort"})
    if "tools" in body:
        options["tools"] = [(t["name"], t.get("description"), t.get("parameters"))
                            for t in body["tools"] if t["type"] == "function"]
    if choice := body.get("tool_choice"):
        options["choice"] = choice if isinstance(choice, str) else choice["name"]
    form = body.get("text", {}).get("format", {})
    if form.get("type") == "json_schema":
        options["schema"] = form["schema"]
    elif form.get("type") == "json_object":
        options["json"] = True
    messages = [("system", [("text", body["instructions"])])] if body.get("instructions") else []
    return messages + [responses_item(item) for item in body["input"]], options


def anthropic_part(block):
    kind = block["type"]
    source = block.get("source", {})
    if kind == "image" and source["type"] == "base64":
        return ("image", source["media_type"], source["data"])
    if kind == "image":
        return ("image_url", source["url"])
    if kind == "document" and source["type"] == "base64":
        return ("file", block.get("title", ""), source["media_type"], source["data"])
    if kind == "document":
        return ("file_url", source["url"])
    if kind == "thinking":
        return ("thought", block["thinking"], block["signature"])
    if kind == "server_tool_use":
        return ("ran", block["input"]["query"])
    if kind == "web_search_tool_result":
        return ("gave", block["content"][0]["title"])
    if kind == "tool_use":
        return ("call", block["id"], block["name"], block["input"])
    if kind == "tool_result":
        content = block.get("content", "")
        if isinstance(content, list):
            content = "".join(part["text"] for part in content)
        return ("result", block["tool_use_id"], "", content, block.get("is_error", False))
    return ("text", block["text"])


def anthropic(body):
    def parts(content):
        return [("text", content)] if isinstance(content, str) else \
            [anthropic_part(block) for block in content]
    messages = [("system", parts(body["system"]))] if body.get("system") else []
    messages += [(message["role"], parts(message["content"])) for message in body["messages"]]
    options = picked(body, {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k",
                            "stop": "stop_sequences", "max_tokens": "max_tokens"})
    if "tools" in body:
        options["tools"] = [(t["name"], t.get("description"), t["input_schema"])
                            for t in body["tools"] if "type" not in t]
    if choice := body.get("tool_choice"):
        options["choice"] = choice.get("name") or {"any": "required"}.get(choice["type"],
                                                                          choice["type"])
        if "disable_parallel_tool_use" in choice:
            options["parallel"] = not choice["disable_parallel_tool_use"]
    if form := body.get("output_config", {}).get("format"):
        options["schema"] = form["schema"]
    options |= picked(body.get("output_config", {}), {"effort": "effort"})
    options |= picked(body.get("thinking", {}), {"budget": "budget_tokens"})
    options |= picked(body.get("metadata", {}), {"user": "user_id"})
    return messages, options


def gemini_part(part):
    if "inlineData" in part:
        data = part["inlineData"]
        kind = data["mimeType"]
        return ("image", kind, data["data"]) if kind.startswith("image/") else \
            ("file", data.get("displayName", ""), kind, data["data"])
    if "fileData" in part:
        data = part["fileData"]
        is_image = data.get("mimeType", "").startswith("image/") or data["fileUri"].endswith(".png")
        kind = "image_url" if is_image else "file_url"
        return (kind, data["fileUri"])
    if "executableCode" in part:
        return ("ran", part["executableCode"]["code"])
    if "codeExecutionResult" in part:
        return ("gave", part["codeExecutionResult"]["output"])
    if "functionCall" in part:
        call = part["functionCall"]
        return ("call", call.get("id", ""), call["name"], call.get("args", {}))
    if "functionResponse" in part:
        result = part["functionResponse"]
        return ("result", result.get("id", ""), result["name"], result["response"],
                "error" in result["response"])
    return ("thought" if part.get("thought") else "text", part["text"])


def gemini(body):
    messages = []
    if "systemInstruction" in body:
        messages.append(("system", [gemini_part(p) for p in body["systemInstruction"]["parts"]]))
    for content in body["contents"]:
        role = {"model": "assistant"}.get(content["role"], content["role"])
        messages.append((role, [gemini_part(part) for part in content["parts"]]))
    config = body.get("generationConfig", {})
    options = picked(config, {"temperature": "temperature", "top_p": "topP", "top_k": "topK",
                              "seed": "seed", "stop": "stopSequences",
                              "presence": "presencePenalty", "frequency": "frequencyPenalty",
                              "max_tokens": "maxOutputTokens", "logprobs": "logprobs"})
    if "tools" in body:
        options["tools"] = [(t["name"], t.get("description"),
                             t.get("parametersJsonSchema", t.get("parameters")))
                            for tool in body["tools"]
                            for t in tool.get("functionDeclarations", [])]
    if choice := body.get("toolConfig", {}).get("functionCallingConfig"):
        options["choice"] = {"ANY": "required"}.get(choice["mode"], choice["mode"].lower())
        if "allowedFunctionNames" in choice:
            options["choice"], = choice["allowedFunctionNames"]
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    if schema is not None:
        options["schema"] = schema
    elif config.get("responseMimeType") == "application/json":
        options["json"] = True
    thinking = config.get("thinkingConfig", {})
    options |= picked(thinking, {"budget": "thinkingBudget"})
    if "thinkingLevel" in thinking:
        options["effort"] = thinking["thinkingLevel"].lower()
    return messages, options


def ollama(body):
    messages = []
    for message in body["messages"]:
        parts = [("text", message["content"])] if message.get("content") else []
        if message["role"] == "tool":
            parts = [("result", message.get("tool_call_id", ""), message.get("tool_name", ""),
                      message["content"], False)]
        if message.get("thinking"):
            parts.insert(0, ("thought", message["thinking"]))
        parts += [("image", "", image) for image in message.get("images") or []]
        parts += [("call", call.get("id", ""), call["function"]["name"],
                   call["function"]["arguments"]) for call in message.get("tool_calls") or []]
        messages.append((message["role"], parts))
    options = picked(body.get("options", {}), {
        "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
        "stop": "stop", "presence": "presence_penalty", "frequency": "frequency_penalty",
        "max_tokens": "num_predict"})
    if "tools" in body:
        options["tools"] = [(t["function"]["name"], t["function"].get("description"),
                             t["function"].get("parameters")) for t in body["tools"]]
    if form := body.get("format"):
        options["json" if form == "json" else "schema"] = True if form == "json" else form
    if isinstance(body.get("think"), str):
        options["effort"] = body["think"]
    options |= picked(body, {"logprobs": "top_logprobs"})
    return messages, options


READERS = {"openai": openai, "openai-responses": responses, "compatible": openai,
           "anthropic": anthropic, "google": gemini, "ollama": ollama}
