"""Ollama's chat, embed and tags, as its server answers."""
import json

from .scenes import Call, Ran, Text, Thought, vector

PREFIX = "/ollama"
STREAM_TYPE = "application/x-ndjson"


def route(method, path):
    return {("POST", "/api/chat"): "chat", ("GET", "/api/tags"): "models",
            ("POST", "/api/embed"): "embed"}.get((method, path))


def asked(path, body):
    return body["model"], body.get("stream", True)


def has_key(headers, key):
    return headers.get("Authorization") == f"Bearer {key}"


def embed(body):
    return {"model": body["model"], "total_duration": 174560334, "load_duration": 101397084,
            "prompt_eval_count": 11,
            "embeddings": [vector(i, body.get("dimensions")) for i in range(len(body["input"]))]}


def models(names):
    return {"models": [{"name": name, "model": name, "modified_at": "2025-11-04T14:56:49Z",
                        "size": 4661224676, "digest": "365c0bd3c000a25d28ddbf732fe1c6add414de72",
                        "details": {"parent_model": "", "format": "gguf", "family": "llama",
                                    "families": ["llama"], "parameter_size": "8.0B",
                                    "quantization_level": "Q4_0"}} for name in names]}


def line(body, message, **more):
    return {"model": body["model"], "created_at": "2025-11-04T14:56:49.277302Z",
            "message": {"role": "assistant", "content": "", **message}, "done": False, **more}


def end(scene):
    return {"done": True, "done_reason": "length" if scene.stop == "length" else "stop",
            "total_duration": 174560334, "load_duration": 101397084,
            "prompt_eval_count": scene.usage.prompt, "prompt_eval_duration": 13074791,
            "eval_count": scene.usage.completion, "eval_duration": 52479709}


def call(index, said):
    return {"id": f"call_{index}q", "function": {"index": index, "name": said.name,
                                                 "arguments": said.arguments}}


def messages(scene):
    n_calls = 0
    for said in scene.said:
        if type(said) is Call:
            yield {"tool_calls": [call(n_calls, said)]}
            n_calls += 1
        elif type(said) is not Ran:
            yield from ({"thinking" if type(said) is Thought else "content": piece}
                        for piece in said.pieces)


def whole(scene, body):
    calls = [call(i, said) for i, said in enumerate(scene.only(Call))]
    message = {"content": "".join(each.text for each in scene.said
                                  if isinstance(each, Text) and type(each) is not Thought)}
    if thinking := "".join(each.text for each in scene.only(Thought)):
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = calls
    return line(body, message, **end(scene))


def chunks(scene, body):
    for message in messages(scene):
        yield line(body, message)
    yield line(body, {}, **end(scene))


def events(scene, body):
    for chunk in chunks(scene, body):
        yield json.dumps(chunk, ensure_ascii=scene.escaped) + "\n"


def error(status, message):
    return {"error": message}


def error_event(message):
    return json.dumps({"error": message}) + "\n"


def with_usage(answer, counts):
    for name in ("prompt_eval_count", "eval_count"):
        if counts is None:
            answer.pop(name, None)
        elif name in answer:
            answer[name] = counts
    return answer
