#include "wire/gemini/answer.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json.h"
#include "wire/fields.h"
#include "wire/gemini/grounding.h"

namespace overtake::gemini {
namespace {

constexpr std::string_view kName = "gemini";  // as the dialect's

const char* finish_reason(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "MAX_TOKENS";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "SAFETY";
    default:
      return "STOP";  // of tool calls too
  }
}

Json usage_json(const wire::UsageTotals& usage) {
  Json out{{"promptTokenCount", usage.prompt_tokens},
           {"candidatesTokenCount", usage.completion_tokens - usage.reasoning_tokens},
           {"totalTokenCount", usage.prompt_tokens + usage.completion_tokens}};
  if (usage.cached_tokens > 0) out["cachedContentTokenCount"] = usage.cached_tokens;
  if (usage.reasoning_tokens > 0) out["thoughtsTokenCount"] = usage.reasoning_tokens;
  return out;
}

Json logprobs_json(const std::vector<TokenLogprob>& tokens) {
  const auto entry = [](const std::string& bytes, int32_t id, double logprob) {
    return Json{{"token", bytes}, {"tokenId", id}, {"logProbability", logprob}};
  };
  Json out{{"topCandidates", Json::array()}, {"chosenCandidates", Json::array()}};
  for (const TokenLogprob& token : tokens) {
    out["chosenCandidates"].push_back(entry(token.bytes, token.id, token.logprob));
    Json best = Json::array();
    for (const auto& other : token.top) best.push_back(entry(other.bytes, other.id, other.logprob));
    out["topCandidates"].push_back(Json{{"candidates", std::move(best)}});
  }
  return out;
}

// What a candidate has said since it was last written.
struct Candidate {
  Json parts = Json::array();
  std::vector<TokenLogprob> logprobs;
  wire::TextIndex text;                  // all of it
  std::vector<CitationEvent> citations;  // of other vendors' models, told at the end
  // What Google's own model tells besides: members of the candidate, of the answer, of its usage.
  Json vendors = Json::object();
  bool cites_itself = false;
  std::map<int, ToolCall> tools;  // whose arguments may still come, side by side
  FinishReason reason = FinishReason::kStop;
};

// A whole answer is the same object as each piece of a stream: a stream writes and forgets what
// has come, a whole answer does so once.
class Writer : public wire::AnswerWriter {
 public:
  enum class Form { kWhole, kEvents, kArray };
  Writer(const wire::Call& call, wire::AnswerIdentity identity, Form form)
      : call_(call),
        identity_(std::move(identity)),
        form_(form),
        candidates_(static_cast<size_t>(call.n_choices())) {}

  void add(int index, Event event, std::string& out) override {
    if (form_ == Form::kArray && !std::exchange(begun_, true)) out += '[';
    Candidate& candidate = candidates_[static_cast<size_t>(index)];
    const auto* more = std::get_if<ToolEvent>(&event);
    const auto* finished = std::get_if<FinishedEvent>(&event);
    // The length may have cut a call in two; "MAX_TOKENS" tells so.
    if (finished && finished->reason == FinishReason::kLength) drop_broken_tools(candidate);
    if (!more && !std::holds_alternative<UsageEvent>(event)) end_tools(candidate);
    if (auto* text = std::get_if<TextEvent>(&event)) {
      candidate.text.add(text->text);
      add_text(candidate, text->text, text->signature, false);
      for (auto& entry : text->logprobs) candidate.logprobs.push_back(std::move(entry));
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      add_text(candidate, reasoning->text, reasoning->signature, true);
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      add_text(candidate, refusal->text, "", false);
    } else if (auto* citation = std::get_if<CitationEvent>(&event)) {
      if (!citation->url.empty()) candidate.citations.push_back(std::move(*citation));
    } else if (const auto* vendors = std::get_if<VendorEvent>(&event)) {
      add_vendors(candidate, *vendors);
    } else if (more) {
      add_tool(candidate, *more);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (finished) {
      candidate.reason = finished->reason;
    }
    const bool some = !candidate.parts.empty() || !candidate.logprobs.empty();
    if (form_ != Form::kWhole && some && !fault_) write_piece(index, out);
  }

  void finish(std::string& out) override {
    Json body;
    Json& list = body["candidates"] = Json::array();
    for (int i = 0; i < call_.n_choices(); ++i) list.push_back(candidate_json(i, true));
    body["usageMetadata"] = usage_json(usage_);
    if (!candidates_.empty()) {
      take_vendors(candidates_.front(), "usage", &body["usageMetadata"]);
      take_vendors(candidates_.front(), "answer", &body);
    }
    write(std::move(body), true, out);
  }

 private:
  // Text goes on within its part until a signature ends it.
  static void add_text(Candidate& candidate, const std::string& text, const std::string& signature,
                       bool thought) {
    end_with_text(candidate, thought);
    Json& part = candidate.parts.back();
    part["text"].get_ref<std::string&>() += text;
    if (!signature.empty()) part["thoughtSignature"] = signature;
  }
  static void end_with_text(Candidate& candidate, bool thought) {
    if (!candidate.parts.empty()) {
      const Json& last = candidate.parts.back();
      const bool fits = last.contains("text") && last.contains("thought") == thought;
      if (fits && !last.contains("thoughtSignature")) return;
    }
    Json part{{"text", ""}};
    if (thought) part["thought"] = true;
    candidate.parts.push_back(std::move(part));
  }

  static void add_vendors(Candidate& candidate, const VendorEvent& event) {
    if (event.dialect != kName) return;
    auto parsed = parse_json(event.json, "a vendor's own");
    if (!parsed.ok() || !parsed->is_object()) return;
    if (event.kind == VendorEvent::Kind::kPart) {
      candidate.parts.push_back(std::move(*parsed));
      return;
    }
    for (const auto& [owner, members] : parsed->items()) {
      // Its own citations are among them.
      candidate.cites_itself = candidate.cites_itself || members.contains("groundingMetadata") ||
                               members.contains("citationMetadata");
      Json& place = candidate.vendors[owner];
      if (place.is_null()) place = Json::object();
      for (const auto& [key, value] : members.items()) place[key] = value;
    }
  }

  // A call stands in one part, so its fragments wait for the last one.
  static void add_tool(Candidate& candidate, const ToolEvent& event) {
    ToolCall& tool = candidate.tools[event.index];
    tool.id += event.id;
    tool.name += event.name;
    tool.arguments += event.arguments;
    tool.signature += event.signature;
  }
  void end_tools(Candidate& candidate) {
    for (const auto& [index, tool] : std::exchange(candidate.tools, {})) {
      auto arguments = arguments_object(tool.name, tool.arguments);
      if (!arguments) return;
      Json call = Json::object();
      if (!tool.id.empty()) call["id"] = tool.id;
      call["name"] = tool.name;
      call["args"] = std::move(*arguments);
      Json part{{"functionCall", std::move(call)}};
      if (!tool.signature.empty()) part["thoughtSignature"] = tool.signature;
      candidate.parts.push_back(std::move(part));
    }
  }
  static void drop_broken_tools(Candidate& candidate) {
    std::erase_if(candidate.tools, [](const auto& entry) {
      return !parse_json(entry.second.arguments, "arguments").ok();
    });
  }

  Json candidate_json(int index, bool last) {
    Candidate& candidate = candidates_[static_cast<size_t>(index)];
    if (candidate.parts.empty()) candidate.parts.push_back(Json{{"text", ""}});
    Json out{{"content",
              Json{{"parts", std::exchange(candidate.parts, Json::array())}, {"role", "model"}}}};
    if (last) out["finishReason"] = finish_reason(candidate.reason);
    out["index"] = index;
    if (!candidate.logprobs.empty()) {
      double sum = 0;
      for (const TokenLogprob& token : candidate.logprobs) sum += token.logprob;
      out["avgLogprobs"] = sum / static_cast<double>(candidate.logprobs.size());
      out["logprobsResult"] = logprobs_json(candidate.logprobs);
      candidate.logprobs.clear();
    }
    take_vendors(candidate, "candidate", &out);
    if (last && !candidate.citations.empty() && !candidate.cites_itself) {
      out["groundingMetadata"] = grounding_json(candidate.citations, candidate.text);
    }
    return out;
  }

  // Moves what waits for `owner` into it.
  static void take_vendors(Candidate& candidate, const char* owner, Json* into) {
    const auto at = candidate.vendors.find(owner);
    if (at == candidate.vendors.end()) return;
    const Json members = std::move(*at);
    candidate.vendors.erase(at);
    wire::add_missing(members, into);
  }

  void write_piece(int index, std::string& out) {
    Json body;
    body["candidates"] = Json::array({candidate_json(index, false)});
    take_vendors(candidates_[static_cast<size_t>(index)], "answer", &body);
    write(std::move(body), false, out);
  }

  // Of an array, all but the last are followed by a comma: an error may still come after them.
  void write(Json body, bool last, std::string& out) {
    body["modelVersion"] = identity_.model;
    body["responseId"] = identity_.id;
    const std::string text = dump_json(body);
    if (form_ == Form::kEvents) {
      out.append("data: ").append(text).append("\n\n");
    } else if (form_ == Form::kArray) {
      out.append(text).append(last ? "]" : ",\n");
    } else {
      out += text;
    }
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  const Form form_;
  bool begun_ = false;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_event_writer(const wire::Call& call,
                                                      wire::AnswerIdentity identity) {
  const auto form = call.stream ? Writer::Form::kEvents : Writer::Form::kWhole;
  return std::make_unique<Writer>(call, std::move(identity), form);
}

std::unique_ptr<wire::AnswerWriter> make_array_writer(const wire::Call& call,
                                                      wire::AnswerIdentity identity) {
  const auto form = call.stream ? Writer::Form::kArray : Writer::Form::kWhole;
  return std::make_unique<Writer>(call, std::move(identity), form);
}

}  // namespace overtake::gemini
