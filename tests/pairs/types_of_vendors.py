"""Whether a request that left is one that the vendor's own Python package could have sent, and an
answer that came one that it could have got: its types, with every member known."""
import collections.abc
import functools
import json
import os
import types as python_types
import typing

import pydantic
import typing_extensions

# Members of vLLM's, and of other imitators', which OpenAI's package has not.
COMPATIBLE_MEMBERS = {"top_k", "min_p", "repetition_penalty", "ignore_eos", "max_tokens",
                      "add_generation_prompt", "continue_final_message"}


@functools.cache
def strict(kind):
    """The same type, which knows its members only, and whose sequences are read to their end."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        members = {}
        for name, hint in hints.items():
            # __required_keys__ does not see what modules with postponed annotations say.
            wanted = name in kind.__required_keys__
            while (mark := typing_extensions.get_origin(hint)) in (
                    typing_extensions.Required, typing_extensions.NotRequired,
                    typing_extensions.Annotated):
                if mark is not typing_extensions.Annotated:
                    wanted = mark is typing_extensions.Required
                hint = typing_extensions.get_args(hint)[0]
            members[name] = (typing_extensions.Required if wanted
                             else typing_extensions.NotRequired)[strict(hint)]
        out = typing_extensions.TypedDict(kind.__name__, members)
        out.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        return out
    if origin in (typing.Union, python_types.UnionType):
        return typing.Union[tuple(strict(each) for each in arguments)]
    if origin in (collections.abc.Iterable, collections.abc.Sequence, list) or \
            getattr(origin, "__name__", "") == "SequenceNotStr":
        return typing.List[strict(arguments[0])]
    if origin in (typing.IO, os.PathLike):  # a file that the package would read into a text
        return str
    return kind


@functools.cache
def adapter(vendor):
    if vendor == "openai":
        from openai.types.chat import completion_create_params as params
        return pydantic.TypeAdapter(strict(params.CompletionCreateParams))
    if vendor == "openai-responses":
        from openai.types.responses import response_create_params as responses_params
        return pydantic.TypeAdapter(strict(responses_params.ResponseCreateParams))
    if vendor == "openai-count":
        from openai.types.responses import input_token_count_params
        return pydantic.TypeAdapter(strict(input_token_count_params.InputTokenCountParams))
    from anthropic.types import message_count_tokens_params, message_create_params
    if vendor == "anthropic-count":
        kind = message_count_tokens_params.MessageCountTokensParams
    else:
        kind = message_create_params.MessageCreateParams
    return pydantic.TypeAdapter(strict(kind))


def check_openai(body):
    adapter("openai").validate_python(body)


def check_responses(body):
    adapter("openai-responses").validate_python(body)


def check_openai_count(body):
    adapter("openai-count").validate_python(body)


def check_compatible(body):
    thoughtless = [{key: value for key, value in message.items() if key != "reasoning_content"}
                   for message in body["messages"]]
    check_openai({key: value for key, value in {**body, "messages": thoughtless}.items()
                  if key not in COMPATIBLE_MEMBERS})


def check_anthropic(body):
    """The API has members for sampling that its package no longer has."""
    adapter("anthropic").validate_python({key: value for key, value in body.items()
                                          if key not in ("temperature", "top_p", "top_k")})


def check_anthropic_count(body):
    adapter("anthropic-count").validate_python(body)


def check_gemini(body):
    from google.genai import types

    class Body(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        contents: list[types.Content]
        systemInstruction: typing.Optional[types.Content] = None
        generationConfig: typing.Optional[types.GenerationConfig] = None
        tools: typing.Optional[list[types.Tool]] = None
        toolConfig: typing.Optional[types.ToolConfig] = None
        safetySettings: typing.Optional[list[types.SafetySetting]] = None
        cachedContent: typing.Optional[str] = None
    kept(body, Body.model_validate(body).model_dump(mode="json", by_alias=True,
                                                    exclude_none=True), "")


def check_ollama(body):
    from ollama import _types
    kept(body, _types.ChatRequest.model_validate(body).model_dump(exclude_none=True), "")


def kept(sent, known, where):
    """Members that the package's types do not know are gone from what they read."""
    if isinstance(sent, dict) and isinstance(known, dict):
        for key, value in sent.items():
            if key not in known:
                raise ValueError(f"the vendor's package has no {where}.{key}")
            kept(value, known[key], f"{where}.{key}")
    elif isinstance(sent, list) and isinstance(known, list):
        for one, other in zip(sent, known):
            kept(one, other, where + "[]")


CHECKS = {"openai": check_openai, "openai-responses": check_responses,
          "openai-count": check_openai_count,
          "compatible": check_compatible, "anthropic": check_anthropic,
          "anthropic-count": check_anthropic_count, "google": check_gemini,
          "ollama": check_ollama}


def complaint(provider, body):
    """What is wrong with the body, or None."""
    try:
        CHECKS[provider](body)
    except (ValueError, pydantic.ValidationError) as error:
        return f"{provider}'s own types refuse it: {str(error)[:600]}"
    return None


@functools.cache
def answer_types(dialect):
    """The type of a whole answer and that of a stream's pieces."""
    from anthropic.types import Message, RawMessageStreamEvent
    from google.genai.types import GenerateContentResponse
    from ollama import ChatResponse
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response, ResponseStreamEvent
    both = {"OpenAI chat": (ChatCompletion, ChatCompletionChunk),
            "OpenAI responses": (Response, ResponseStreamEvent),
            "Anthropic messages": (Message, RawMessageStreamEvent),
            "Gemini": (GenerateContentResponse,) * 2, "Ollama chat": (ChatResponse,) * 2}[dialect]
    return [pydantic.TypeAdapter(kind) for kind in both]


def check_answer(dialect, text, streamed):
    """ValueError for an answer, already read once, that is not of these types."""
    kind = answer_types(dialect)[streamed]
    if not streamed:
        return kind.validate_python(json.loads(text))
    for line in text.split("\n"):
        line = line.removeprefix("data: ")
        if line.startswith("{") and '"ping"' not in line:
            kind.validate_python(json.loads(line))
