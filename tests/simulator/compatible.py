"""A server that imitates OpenAI's chat completions, with vLLM's shapes: reasoning_content,
stop_reason, members that OpenAI's has not, null where OpenAI leaves members out, no details."""
import json

from . import openai
from .openai import asked, error_event, has_key, models, route, with_usage  # noqa: F401
from .scenes import Cited, Text, Thought, vector

PREFIX = "/compatible/v1"
STREAM_TYPE = "text/event-stream"


def embed(body):
    """Numbers whatever form was asked for, and no index."""
    return {"id": "embd-7f3c", "object": "list", "created": 1741569952, "model": body["model"],
            "data": [{"object": "embedding", "embedding": vector(i, body.get("dimensions"))}
                     for i in range(len(body["input"]))],
            "usage": {"prompt_tokens": 11, "total_tokens": 11, "completion_tokens": 0,
                      "prompt_tokens_details": None}}


def usage(used):
    return {"prompt_tokens": used.prompt, "total_tokens": used.prompt + used.completion,
            "completion_tokens": used.completion,
            "prompt_tokens_details": {"cached_tokens": used.cached} if used.cached else None}


def whole(scene, body):
    answer = openai.whole(scene, body)
    answer.update(model=body["model"], service_tier=None, system_fingerprint=None,
                  usage=usage(scene.usage), prompt_logprobs=None, prompt_token_ids=None,
                  kv_transfer_params=None)
    choice = answer["choices"][0]
    choice.update(stop_reason=scene.stop_sequence or None, token_ids=None)
    choice["message"].update(function_call=None, annotations=None, audio=None,
                             tool_calls=choice["message"].get("tool_calls", []),
                             reasoning_content="".join(t.text for t in scene.only(Thought)) or None)
    return answer


def events(scene, body):
    head = {"id": "chatcmpl-7f3c", "object": "chat.completion.chunk", "created": 1741569952,
            "model": body["model"]}

    def event(choices, **more):
        return "data: " + json.dumps({**head, "choices": choices, **more},
                                     ensure_ascii=scene.escaped) + "\n\n"

    def delta(members, finish=None, **more):
        return event([{"index": 0, "delta": members, "logprobs": None, "finish_reason": finish,
                       **more}])
    yield ": a comment, as proxies send them\n\n"
    yield delta({"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None})
    for said in scene.said:
        if type(said) in (Text, Cited, Thought):
            for piece in said.pieces:
                yield delta({"reasoning_content" if type(said) is Thought else "content": piece})
    for members in openai.deltas(scene):
        if "tool_calls" in members or members.get("refusal"):
            yield delta(members)
    yield delta({"content": ""}, openai.FINISH[scene.stop], stop_reason=scene.stop_sequence or None)
    if body.get("stream_options", {}).get("include_usage"):
        yield event([], usage=usage(scene.usage))
    yield "data: [DONE]\n\n"


def error(status, message):
    """vLLM's: the code is a number."""
    return {"error": {"message": message, "type": "BadRequestError" if status < 500 else
                      "InternalServerError", "param": None, "code": status}}
