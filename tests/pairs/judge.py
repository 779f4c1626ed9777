"""What must come of a conversation: at the provider, and at the client."""
import itertools
import json

from simulator import anthropic, gemini, responses
from simulator.scenes import SCENES, Call, Cited, Ran, Refusal, Text, Thought

from . import table
from .conversation import VENDORS, Answer, flat, plain_schema, without_vendors
from .sent import READERS
from .types_of_vendors import complaint

# Which providers keep an assistant's texts and calls in their order, and which put instructions
# that come later where they came.
ORDERED = {"openai-responses", "anthropic", "google"}
# Whose reasoning is of use to whom. Signatures are for their vendor alone.
SAME_VENDOR = {"openai": {"compatible"}, "anthropic": {"anthropic"}, "google": {"google"},
               "ollama": {"ollama"}}
THOUGHT_TAKERS = {"compatible", "ollama"}  # unsigned reasoning, whoever had it
SIGNED = {"openai-responses", "anthropic", "google"}
MARKS_FAILURES = {"anthropic", "google"}
# Whose answers tell what the vendor's own tools did, in which parts.
VENDORS_PARTS = {
    "anthropic": lambda scene: [block for block, _ in anthropic.blocks(scene)
                                if "server_tool" in block["type"] or "_result" in block["type"]],
    "google": lambda scene: [part for part in gemini.parts(scene)
                             if {"executableCode", "codeExecutionResult"} & set(part)],
    "openai-responses": lambda scene: [item for item, _ in responses.items(scene, {})
                                       if item["type"] == "web_search_call"]}
# Who tells what the text rests on, and who can be told so.
CITING = {"openai", "openai-responses", "anthropic", "google"}
TOLD = {"OpenAI chat", "OpenAI responses", "Gemini"}


# Members of OpenAI's two APIs that mean the same in both.
SHARED = {"service_tier"}


class Wrong(Exception):
    pass


def answering(provider, requests):
    """Who was asked: of OpenAI what chat completions can not say goes to Responses."""
    is_responses = provider == "openai" and any(r["path"] == responses.PATH for r in requests)
    return "openai-responses" if is_responses else provider


def is_own(dialect, provider):
    """Whether the dialect is the one that the provider is asked in, but for what imitates it."""
    if provider == "openai-responses" or dialect.NAME == "OpenAI responses":
        return (provider, dialect.NAME) == ("openai-responses", "OpenAI responses")
    return dialect.VENDOR == provider


def extra_of(conversation, dialect):
    extra = conversation.extra or {}
    return extra.get(dialect.NAME, extra.get(dialect.VENDOR, {}))


def reaches(name, dialect, provider):
    """Whether a member that only the dialect's vendor knows leaves for the provider."""
    if is_own(dialect, provider) or (dialect.NAME, provider) == ("OpenAI chat", "compatible"):
        return True
    return dialect.VENDOR == "openai" and name in SHARED and \
        provider in ("openai", "openai-responses", "compatible")


def equal(found, wanted, what):
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, expected {wanted!r}"[:900])


# ---- the request that left


def expected_flat(conversation, dialect, provider):
    ordered = dialect.ORDERED and provider in ORDERED
    messages = conversation.messages
    if not is_own(dialect, provider) or provider not in VENDORS_PARTS:
        messages = without_vendors(messages)
    out = []
    for said in flat(messages, ordered):
        if said[1:2] == ("thought",):
            same = provider in SAME_VENDOR[dialect.VENDOR] or \
                (provider in SIGNED and is_own(dialect, provider))
            if not same and provider not in THOUGHT_TAKERS:
                continue
            said = said[:3]
        elif said[1:2] == ("gave",) and provider == "openai-responses":
            continue  # it is not told
        elif said[1:2] == ("image",) and provider == "ollama":
            said = (said[0], "image", "", said[3])  # Ollama sees the type itself
        elif said[1:2] == ("image_url",) or said[1:2] == ("image",):
            said = said[:4]
        elif said[1:2] == ("file",):
            said = ("user", "file", *said[3:])
        out.append(said)
    return out


def found_flat(messages, dialect, provider):
    ordered = dialect.ORDERED and provider in ORDERED
    out = []
    for said in flat(messages, ordered):
        if said[1:2] == ("thought",):
            said = said[:3]
        elif said[1:2] == ("file",):
            said = ("user", "file", *said[3:])
        out.append(said)
    return out


def without_thoughts(said):
    return [each for each in said if each[1:2] != ("thought",)]


def check_messages(conversation, dialect, provider, messages):
    found = found_flat(messages, dialect, provider)
    wanted = expected_flat(conversation, dialect, provider)
    if provider in THOUGHT_TAKERS and provider not in SAME_VENDOR[dialect.VENDOR]:
        found, wanted = without_thoughts(found), without_thoughts(wanted)
    equal(found, wanted, "messages that left")
    if provider in MARKS_FAILURES and dialect.VENDOR in MARKS_FAILURES:
        equal(failures(messages), failures(conversation.messages), "failed results that left")


def failures(messages):
    return [part[4] for _, parts in messages for part in parts if part[0] == "result"]


# What says nothing to the model and has no place at some vendors.
NO_PLACE = {("user", "google"), ("user", "ollama")}


def leaves_out(conversation, dialect, provider):
    ran = any(part[0] in VENDORS for _, parts in conversation.messages for part in parts)
    is_openais = dialect.VENDOR == "openai" and provider == "openai-responses"
    unshared = [name for name in extra_of(conversation, dialect)
                if is_openais and not reaches(name, dialect, provider)]
    return any((name, provider) in NO_PLACE for name in conversation.options) or bool(unshared) or \
        (ran and not (is_own(dialect, provider) and provider in VENDORS_PARTS))


def drops(scene_name, dialect, provider):
    """Whether the dialect has no place for something in the scene."""
    scene = SCENES[scene_name]
    cites = scene.only(Cited) and provider in CITING
    ran = scene.only(Ran) and provider in VENDORS_PARTS
    return bool(cites and not is_told(dialect, provider) or ran and not is_own(dialect, provider))


def is_told(dialect, provider):
    """Whether the dialect has a place for what the provider cites."""
    return dialect.NAME in TOLD or (is_own(dialect, provider) and provider in CITING)


def check_options(conversation, provider, options):
    for name, value in conversation.options.items():
        if (name, provider) in NO_PLACE:
            equal(options.get(name), None, name)
        elif name == "tools":
            value = [(tool.name, tool.description, plain_schema(tool.parameters))
                     for tool in value]
            found = [(name, description, plain_schema(schema)) for name, description, schema
                     in options.get("tools", [])]
            if conversation.options.get("choice") == "none" and not found:
                continue  # tools that may not be called need not go along
            equal(found, value, "tools that left")
        elif name in ("effort", "budget"):
            if not {"effort", "budget"} & set(options):
                raise Wrong("nothing asks for reasoning")
        elif name == "schema":
            equal(plain_schema(options.get("schema")), plain_schema(value), "schema that left")
        elif name == "choice" and value in ("auto", "none"):
            equal(options.get("choice", "auto" if "tools" in options and value == "auto"
                              else "none" if "tools" not in options else None), value, name)
        else:
            equal(options.get(name), value, f"{name} that left")


def check_count(provider, requests):
    equal([request["kind"] for request in requests], ["count"], "requests that left")
    body = requests[0]["body"]
    types = {"anthropic": "anthropic-count", "openai": "openai-count",
             "openai-responses": "openai-count"}
    if provider in types and (wrong := complaint(types[provider], body)):
        raise Wrong(wrong)


VERSION = "2023-06-01"


def check_results_follow(messages):
    """OpenAI refuses a message with calls that is not followed by the results of them all."""
    for at, message in enumerate(messages):
        wanted = {call["id"] for call in message.get("tool_calls", [])}
        following = itertools.takewhile(lambda m: m["role"] == "tool", messages[at + 1:])
        found = {result["tool_call_id"] for result in following}
        if wanted:
            equal(found, wanted, "results after their calls")


def check_request(conversation, dialect, provider, requests):
    equal(len(requests), 1, "requests that left")
    request, = requests
    body = request["body"]
    if conversation.is_typed and (wrong := complaint(provider, body)):
        raise Wrong(wrong + " in " + json.dumps(body)[:600])
    if provider == "anthropic":
        equal(request["headers"].get("anthropic-version"), VERSION, "anthropic-version")
    if provider in ("openai", "compatible"):
        check_results_follow(body["messages"])
    messages, options = READERS[provider](body)
    check_messages(conversation, dialect, provider, messages)
    check_options(conversation, provider, options)
    text = json.dumps(body)
    has_signature = any(part[0] == "thought" for _, parts in conversation.messages
                        for part in parts)
    if has_signature:
        signed = provider in SIGNED and is_own(dialect, provider)
        equal(table.SIGNATURE in text, signed, "whether the signature left")
    used = extra_of(conversation, dialect)
    for name in {name for extra in (conversation.extra or {}).values() for name in extra}:
        wanted = name in used and reaches(name, dialect, provider)
        if not wanted and name in conversation.options | used:
            continue  # it stands there for another reason, or two vendors have the name
        equal(f'"{name}"' in text, wanted, f"whether {name} left")


# ---- the answer that came


def shown_thought(scene, dialect, provider):
    """OpenAI shows no reasoning; Gemini's and Anthropic's dialects show what they get."""
    return "" if provider == "openai" else "".join(t.text for t in scene.only(Thought))


def expected_text(scene, dialect, provider):
    if scene.stop == "refusal" and provider == "google":
        return None  # it blocks the prompt and says its own reason
    return scene.text + "".join(each.text for each in scene.only(Refusal))


def stop_reasons(scene, dialect, provider, answer):
    stop = scene.stop
    if stop == "stop_sequence" and provider != "anthropic":
        # Only Anthropic and vLLM say which string it was.
        return {dialect.STOP["stop"], dialect.STOP["stop_sequence"]}
    if stop in ("filter", "refusal") and provider == "ollama":
        return {dialect.STOP["stop"]}
    if stop in ("filter", "refusal"):
        # Vendors have one word for both; each must be told from a success.
        reasons = {dialect.STOP["filter"], dialect.STOP["refusal"]}
        if not answer.refusal and dialect.VENDOR == "openai":
            reasons.discard(dialect.STOP["stop"])
        return reasons
    return {dialect.STOP[stop]}


def check_usage(scene, dialect, provider, usage):
    used = scene.usage
    known = {"prompt": used.prompt, "completion": used.completion, "cached": used.cached,
             "written": used.written, "thought": used.thought}
    if provider == "ollama":
        known = {**known, "cached": 0, "written": 0, "thought": 0}
    if provider in ("compatible", "google"):
        known["written"] = 0
    if provider == "compatible":
        known["thought"] = 0
    if provider == "anthropic":
        known["thought"] = 0  # it does not tell them apart
    if provider == "google" and scene.stop == "refusal":
        known["completion"] = 0
    for name, count in usage.items():
        equal(count, known[name], f"usage: {name}")


def check_answer(scene_name, dialect, provider, answer):
    scene = SCENES[scene_name]
    text = expected_text(scene, dialect, provider)
    if text is not None:
        equal(answer.text + answer.refusal, text, "text")
    if scene.stop == "refusal" and provider.startswith("openai") and dialect.VENDOR == "openai":
        equal(answer.refusal, text, "refusal")
    calls = [(call.name, call.arguments) for call in scene.only(Call)]
    is_cut = scene.cut and provider not in ("google", "ollama")
    if is_cut and (provider != "anthropic" or len(answer.calls) < len(calls)
                   or answer.calls[-1][1] is None):  # Anthropic's whole answers have no half calls
        calls = calls[:-1]  # what is left of it is no call
        answer.calls = [call for call in answer.calls if call[1] is not None]
    equal(answer.calls, calls, "calls")
    if len(set(answer.ids)) != len(answer.ids) and None not in answer.ids:
        raise Wrong(f"ids of calls: {answer.ids}")
    equal(answer.thought, shown_thought(scene, dialect, provider), "reasoning")
    reasons = stop_reasons(scene, dialect, provider, answer)
    if answer.stop not in reasons:
        raise Wrong(f"stop reason {answer.stop!r}, expected one of {sorted(reasons)}")
    if provider == "anthropic" and dialect.VENDOR == "anthropic":
        equal(answer.stop_sequence, scene.stop_sequence or None, "stop_sequence")
    if provider in ORDERED and dialect.ORDERED and scene.only(Text) and not scene.cut:
        wanted = Answer()
        for said in scene.said:
            if type(said) in (Call, Text, Cited):
                wanted.add("c" if type(said) is Call else "t")
        equal(answer.order, wanted.order, "order of texts and calls")
    cited = [(text, source.url, source.title) for source, _, text in scene.citations]
    equal(answer.citations, cited if provider in CITING and is_told(dialect, provider) else [],
          "citations")
    vendors = VENDORS_PARTS[provider](scene) if provider in VENDORS_PARTS else []
    equal(answer.vendors, vendors if is_own(dialect, provider) else [], "the vendor's own parts")
    signed = [t.signature or t.encrypted for t in scene.only(Thought)]
    if is_own(dialect, provider) and provider in SIGNED and any(t.text or provider != "google"
                                                                for t in scene.only(Thought)):
        equal(answer.signatures, signed, "signatures")
    elif not is_own(dialect, provider) and any(each in answer.signatures for each in signed):
        raise Wrong("another vendor's signature")
    check_usage(scene, dialect, provider, answer.usage)
