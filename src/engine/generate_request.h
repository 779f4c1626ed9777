// GenerateRequest: what any model, local or remote, can be asked. Every vendor's dialect is read
// into it and written from it, so it has a place for all that they say; what only one of them
// knows travels along as its own JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace overtake {

// On whose behalf a request runs. Empty fields: the local user of a server without keys.
struct Principal {
  std::string tenant;
  std::string user;
  std::string key_id;
  std::vector<std::string> scopes;
};

// Members that a dialect has and nothing here stands for ("cache_control"): a JSON object's text,
// or empty. Written back only in the dialect that they came from: GenerateRequest::dialect.
using ExtraFields = std::string;

// ---- content -----------------------------------------------------------------------------------

struct TextPart {
  std::string text;
  std::string signature;  // of the reasoning behind it; only its vendor can read it
  ExtraFields extra;
};
struct ImagePart {
  std::string media_type;  // "image/png"; may be empty for a url
  std::string url;         // exactly one of url and bytes is set
  std::string bytes;
  std::string detail;  // "low", "high", "auto", or empty
  ExtraFields extra;
};
struct AudioPart {
  std::string format;  // "wav"
  std::string bytes;
  ExtraFields extra;
};
struct FilePart {
  std::string name;
  std::string media_type;  // "application/pdf"
  std::string url;         // exactly one of url, bytes and id is set
  std::string bytes;
  std::string id;  // of a file that the vendor keeps
  ExtraFields extra;
};
// What an assistant thought before it answered.
struct ReasoningPart {
  std::string text;
  std::string signature;  // proves the text to its vendor; empty: none
  std::string encrypted;  // instead of a text, what only its vendor can read
  std::string id;
  ExtraFields extra;
};
struct RefusalPart {
  std::string text;
};
struct ToolCall {
  std::string id;  // empty where the dialect has none
  std::string name;
  std::string arguments;  // a JSON text
  std::string signature;  // as TextPart's
  ExtraFields extra;
};
// What only the request's dialect has words for: in an assistant's message what the vendor's own
// tools did, of use to that vendor alone; elsewhere what a client gives it.
struct VendorPart {
  ExtraFields extra;  // all of it
};
// An assistant's calls stand among its texts, in the order in which it made them.
using ContentPart = std::variant<TextPart, ImagePart, AudioPart, FilePart, ReasoningPart,
                                 RefusalPart, ToolCall, VendorPart>;

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
std::string_view role_name(Role role);

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::string tool_call_id;  // of a tool message
  bool tool_failed = false;  // of a tool message: its content is an error
  std::string name;          // of a tool message, the tool's
  ExtraFields extra;

  std::string text() const;  // its text parts, joined
  std::vector<const ToolCall*> tool_calls() const;
};

// ---- tools and form ----------------------------------------------------------------------------

struct ToolSpec {
  std::string name;  // empty: a tool that the vendor runs itself, which `extra` describes
  std::string description;
  std::string parameters;  // a JSON Schema text, or empty
  std::optional<bool> strict;
  ExtraFields extra;
};

struct ToolChoice {
  // kVendors: what only the request's dialect has words for, among tools that its vendor runs.
  enum class Kind { kAuto, kNone, kRequired, kNamed, kVendors };
  Kind kind = Kind::kAuto;
  std::string name;              // of kNamed
  ExtraFields extra;             // of kVendors: all of it
  std::optional<bool> parallel;  // whether several calls may come at once
};

// What the answer's text must be.
struct OutputFormat {
  enum class Kind { kText, kJson, kJsonSchema, kRegex, kGrammar, kChoice };
  Kind kind = Kind::kText;
  std::string name;  // of the schema
  std::string description;
  std::string schema;  // a JSON Schema text
  std::optional<bool> strict;
  std::string grammar;               // of kRegex the expression, of kGrammar the GBNF
  std::vector<std::string> choices;  // of kChoice
};

struct ReasoningParams {
  std::optional<bool> enabled;
  std::string effort;  // "minimal", "low", "medium", "high", or empty
  std::optional<int64_t> budget_tokens;
  std::optional<bool> shown;  // whether the answer tells what was thought
};

struct ChatPrompt {
  std::vector<Message> messages;
  std::vector<ToolSpec> tools;
  ToolChoice tool_choice;
  // Whether the prompt ends with the beginning of an answer, or within the last message for the
  // model to write on. See TemplateInput.
  bool add_generation_prompt = true;
  bool continue_final_message = false;
};
struct TextPrompt {
  std::string text;
};
struct TokenPrompt {
  std::vector<int32_t> ids;
};
using Prompt = std::variant<ChatPrompt, TextPrompt, TokenPrompt>;

// Unset fields take the model's generation_config.json, else the field's default.
struct SamplingParams {
  std::optional<double> temperature;         // >= 0; 0 is greedy; default 1
  std::optional<int> top_k;                  // >= 1; 0: off (default)
  std::optional<double> top_p;               // (0, 1]; default 1
  std::optional<double> min_p;               // [0, 1); default 0
  std::optional<double> repetition_penalty;  // > 0; default 1 (Keskar et al. 2019)
  double presence_penalty = 0;               // OpenAI's definition, over generated tokens
  double frequency_penalty = 0;
  std::map<int32_t, double> logit_bias;
  std::optional<uint64_t> seed;  // same seed, same text
};

struct GenerateRequest {
  std::string id;  // UUIDv7; also the trace id where none came along
  std::string trace_id;
  std::string dialect;  // that it was read from, "anthropic"; whose `extra` fields these are
  std::string model;
  Principal principal;
  std::string workload;
  std::string data_class;
  std::optional<int64_t> deadline_us;  // UTC
  // Whether the answer is read as it comes. If not, a remote model may be asked for it in one
  // piece.
  bool stream = true;

  Prompt prompt;
  SamplingParams sampling;
  std::optional<int64_t> max_tokens;  // unset: to the end of the context
  std::vector<std::string> stop;      // strings that end the answer and are not part of it
  bool ignore_end = false;            // go on past end tokens, to measure speed
  int top_logprobs = -1;              // -1: none; 0: of the chosen token; n: and the n best
  bool prompt_logprobs = false;       // also for the prompt's tokens (echo of completions)
  OutputFormat format;
  ReasoningParams reasoning;
  std::string expected_text;  // that the answer may be like: it comes sooner where it is
  std::string end_user;       // whom the client serves, as it names them; no proof of anything
  // Unfinished features of the dialect's own API that the client counts on, by their names.
  std::vector<std::string> betas;
  ExtraFields extra;
};

}  // namespace overtake
