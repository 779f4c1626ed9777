"""Gemini's generateContent, streamGenerateContent, countTokens and batchEmbedContents, as Google's server answers."""
import json
import re
import urllib.parse

from .scenes import Call, Cited, Ran, Thought, vector

PREFIX = "/gemini"
STREAM_TYPE = "text/event-stream"
FINISH = {"stop": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP",
          "filter": "SAFETY", "refusal": "SAFETY"}
PATH = re.compile(r"/v1beta/models/([^:]+):(\w+)(\?.*)?$")
METHODS = {"generateContent": "chat", "streamGenerateContent": "chat", "countTokens": "count",
           "batchEmbedContents": "embed"}


def route(method, path):
    if (method, path.split("?")[0]) == ("GET", "/v1beta/models"):
        return "models"
    found = PATH.match(path)
    if method != "POST" or not found:
        return None
    streams = found[2] == "streamGenerateContent"
    if streams != (found[3] == "?alt=sse"):
        return None  # a stream is asked for as events here, and nothing else is
    return METHODS.get(found[2])


def asked(path, body):
    found = PATH.match(path)
    return urllib.parse.unquote(found[1]), found[2] == "streamGenerateContent"


def has_key(headers, key):
    return headers.get("x-goog-api-key") == key and "Authorization" not in headers


def count(n_tokens):
    return {"totalTokens": n_tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": n_tokens}]}


def embed(body):
    return {"embeddings": [{"values": vector(i, each.get("outputDimensionality"))}
                           for i, each in enumerate(body["requests"])],
            "usageMetadata": {"promptTokenCount": 11}}


def models(names):
    return {"models": [{"name": "models/" + name, "version": "001", "displayName": name,
                        "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
                        "supportedGenerationMethods": ["generateContent", "countTokens"]}
                       for name in names]}


def usage(used):
    """The cache is within the prompt, thoughts are beside the candidates."""
    out = {"promptTokenCount": used.prompt, "totalTokenCount": used.prompt + used.completion,
           "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.prompt}]}
    if used.completion - used.thought:
        out["candidatesTokenCount"] = used.completion - used.thought
    if used.cached:
        out["cachedContentTokenCount"] = used.cached
    if used.thought:
        out["thoughtsTokenCount"] = used.thought
    return out


def parts(scene):
    """A part a piece. Calls and thoughts carry signatures as Gemini 3 gives them: on the part that
    comes after the thought."""
    signature = None
    for said in scene.said:
        if type(said) is Call:
            out = [{"functionCall": {"name": said.name, "args": said.arguments}}]
        elif type(said) is Thought:
            yield from ({"text": piece, "thought": True} for piece in said.pieces)
            signature = said.signature
            continue
        elif type(said) is Ran:
            out = [{"executableCode": {"language": "PYTHON", "code": said.asked}},
                   {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": said.gave}}]
        else:
            out = [{"text": piece} for piece in said.pieces]
        if signature and type(said) is Call:
            out[0]["thoughtSignature"] = signature
        elif signature:
            out[-1]["thoughtSignature"] = signature
        signature = None
        yield from out


def joined(pieces):
    """A whole answer has neighbouring texts in one part."""
    out = []
    for part in pieces:
        last = out[-1] if out else {}
        if "text" in part and "text" in last and part.get("thought") == last.get("thought"):
            out[-1] = {**last, **part, "text": last["text"] + part["text"]}
        else:
            out.append(part)
    return out


def grounding(scene):
    """Pages, and the texts that rest on them by places counted in bytes."""
    pages, supports = [], []
    for source, before, text in scene.citations:
        page = {"web": {"uri": source.url, "title": source.title}}
        if page not in pages:
            pages.append(page)
        begin = len(before.encode())
        segment = {"startIndex": begin, "endIndex": begin + len(text.encode()), "text": text}
        if supports and supports[-1]["segment"] == segment:
            supports[-1]["groundingChunkIndices"].append(pages.index(page))
        else:
            supports.append({"segment": segment, "groundingChunkIndices": [pages.index(page)]})
    return {"webSearchQueries": ["weather"], "groundingChunks": pages,
            "searchEntryPoint": {"renderedContent": "<div>weather</div>"},
            "groundingSupports": supports}


def answer(some, scene, body, finish=None, counts=None):
    candidate = {"content": {"role": "model"}, "index": 0}
    if finish and scene.only(Cited):
        candidate["groundingMetadata"] = grounding(scene)
    if some:
        candidate["content"]["parts"] = some
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": counts or usage(scene.usage),
            "modelVersion": body.get("_model", "gemini") + "-001",
            "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}


def whole(scene, body):
    if scene.stop == "refusal":
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": scene.usage.prompt,
                                  "totalTokenCount": scene.usage.prompt},
                "modelVersion": "gemini-001", "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}
    return answer(joined(parts(scene)), scene, body, FINISH[scene.stop])


def chunks(scene, body):
    if scene.stop == "refusal":
        yield whole(scene, body)
        return
    early = {"promptTokenCount": scene.usage.prompt, "totalTokenCount": scene.usage.prompt}
    some = list(parts(scene))
    for part in some[:-1]:
        yield answer([part], scene, body, None, early)
    yield answer(some[-1:], scene, body, FINISH[scene.stop])


def events(scene, body):
    for chunk in chunks(scene, body):
        yield "data: " + json.dumps(chunk, ensure_ascii=scene.escaped) + "\r\n\r\n"


STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


def error(status, message):
    return {"error": {"code": status, "message": message,
                      "status": STATUSES.get(status, "INTERNAL"),
                      "details": [{"@type": "type.googleapis.com/google.rpc.DebugInfo"}]}}


def error_event(message):
    return "data: " + json.dumps(error(503, message)) + "\r\n\r\n"


def with_usage(body, counts):
    if counts is None:
        body.pop("usageMetadata", None)
    elif body.get("usageMetadata"):
        body["usageMetadata"].update(promptTokenCount=counts, candidatesTokenCount=counts,
                                     totalTokenCount=counts, cachedContentTokenCount=counts)
    return body
