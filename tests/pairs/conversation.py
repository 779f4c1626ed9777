"""Conversations in no vendor's words, and what of one a vendor's request must hold."""
import dataclasses
import json
import typing


class CannotSay(Exception):
    """The dialect has no words for this."""


# A message is (role, parts); the roles are system, user, assistant, tool. Parts:
#   ("text", text)  ("image", media type, base64)  ("image_url", url)
#   ("file", name, media type, base64)  ("file_url", url)
#   ("thought", text, signature)  ("call", id, name, arguments)
#   ("result", id, name, text, failed), the only kind of a tool's message
#   ("ran", asked)  ("gave", text): what a tool of the vendor's own did
@dataclasses.dataclass(frozen=True)
class Conversation:
    messages: tuple
    options: dict = dataclasses.field(default_factory=dict)
    scene: str = "text"
    # By dialect, or by its vendor: members of the request itself that only its vendor knows.
    extra: typing.Optional[dict] = None
    is_typed: bool = True  # the vendor's types know all of it


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    description: str
    parameters: dict


VENDORS = ("ran", "gave")


def without_vendors(messages):
    return tuple((role, tuple(part for part in parts if part[0] not in VENDORS))
                 for role, parts in messages)


def flat(messages, ordered):
    """The messages as a list of what was said, with calls by number in place of ids. Instructions
    come first: most vendors have one place for them. Neighbouring texts of one speaker are one.
    Where not `ordered`, an assistant's calls come after its texts."""
    system, out, calls = "", [], []
    for role, parts in joined(messages):
        if role == "system":
            system += "".join("".join(part[1].split()) for part in parts)
            continue
        if role == "assistant" and not ordered:
            parts = sorted(parts, key=lambda part: ("thought", "text", "call").index(
                part[0]) if part[0] not in VENDORS else 3)
        for part in parts:
            kind = part[0]
            if kind == "call":
                calls.append({"id": part[1], "name": part[2], "open": True})
                out.append(("call", len(calls) - 1, part[2], part[3]))
            elif kind == "result":
                out.append(("result", answered(calls, part[1], part[2]), plain_result(part[3])))
            elif kind == "text" and out and out[-1][:2] == (role, "text"):
                out[-1] = (role, "text", out[-1][2] + part[1])
            elif kind == "text" and not part[1]:
                continue
            else:
                out.append((role, *part))
    return [("system", system)] * bool(system) + out


def joined(messages):
    """Neighbouring messages of the assistant as one."""
    out = []
    for role, parts in messages:
        if role == "assistant" and out and out[-1][0] == role:
            out[-1] = (role, [*out[-1][1], *parts])
        else:
            out.append((role, parts))
    return out


def answered(calls, call_id, name):
    """The number of the call that a result belongs to: by id, else the first open one of the
    name."""
    for number, call in enumerate(calls):
        fits = call["id"] == call_id if call_id else call["open"] and call["name"] == name
        if fits:
            call["open"] = False
            return number
    return None


def plain_result(text):
    """What a tool said, whatever object a vendor wants it in."""
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text
    if isinstance(value, dict) and len(value) == 1 and set(value) <= {"output", "result", "error"}:
        return plain_result(*value.values())
    return value if isinstance(text, str) and not isinstance(value, (int, float)) else str(value)


def plain_schema(schema):
    """A JSON schema in one spelling: Gemini has types in capitals."""
    if isinstance(schema, dict):
        return {key: value.lower() if key == "type" and isinstance(value, str)
                else plain_schema(value) for key, value in schema.items()}
    return [plain_schema(each) for each in schema] if isinstance(schema, list) else schema


@dataclasses.dataclass
class Answer:
    """What a client understands of an answer."""
    text: str = ""
    thought: str = ""
    signatures: list = dataclasses.field(default_factory=list)
    refusal: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (name, arguments)
    ids: list = dataclasses.field(default_factory=list)
    order: str = ""  # "tct": text, call, text
    citations: list = dataclasses.field(default_factory=list)  # (text, url, title)
    vendors: list = dataclasses.field(default_factory=list)  # parts only its vendor knows
    stop: str = ""
    stop_sequence: typing.Optional[str] = None
    usage: dict = dataclasses.field(default_factory=dict)

    def add(self, kind):
        if not self.order.endswith(kind) or kind == "c":
            self.order += kind


class Failed(Exception):
    """The answer is a proper error of the dialect."""

    def __init__(self, status, message, field=None):
        super().__init__(message)
        self.status, self.message, self.field = status, message, field


class Broken(Exception):
    """The answer is not what the dialect's clients can read."""


def arguments(text, may_be_cut):
    """A call's arguments; None for those that the answer's bound has cut."""
    try:
        return json.loads(text)
    except ValueError:
        if not may_be_cut:
            raise
        return None


def check(condition, what):
    if not condition:
        raise Broken(what)
