#include "engine/local_model.h"

#include <fmt/core.h>
#include <malloc.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "catalog/packed_copies.h"
#include "engine/sampler.h"
#include "token/hf_tokenizer.h"

namespace overtake {
namespace {

// What a message says: its texts and refusals. Templates leave out what was thought before earlier
// answers.
Result<std::string> said(const Message& message) {
  std::string out;
  for (const ContentPart& part : message.content) {
    if (const auto* text = std::get_if<TextPart>(&part)) {
      out += text->text;
    } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
      out += refusal->text;
    } else if (!std::holds_alternative<ReasoningPart>(part) &&
               !std::holds_alternative<ToolCall>(part) &&
               !(message.role == Role::kAssistant && std::holds_alternative<VendorPart>(part))) {
      return Error{ErrorCode::kUnsupported,
                   "this model reads text only; an image, a file or audio stands in the messages; "
                   "leave it out or use a model that reads it"};
    }
  }
  return out;
}

Result<Json> message_json(const Message& message) {
  // Templates of open models know no "developer"; it is what they call "system".
  const bool developer = message.role == Role::kDeveloper;
  std::string text = TRY(said(message));  // within the braces, g++ 12 would leak on the way out
  Json out = {{"role", developer ? "system" : std::string(role_name(message.role))},
              {"content", std::move(text)}};
  if (!message.name.empty()) out["name"] = message.name;
  if (!message.tool_call_id.empty()) out["tool_call_id"] = message.tool_call_id;
  for (const ToolCall* call : message.tool_calls()) {
    // Templates expect the arguments as an object.
    auto arguments = parse_json(call->arguments, "arguments of tool call " + call->name);
    if (!arguments.ok()) return std::move(arguments).error();
    out["tool_calls"].push_back({{"id", call->id},
                                 {"type", "function"},
                                 {"function", {{"name", call->name}, {"arguments", *arguments}}}});
  }
  return out;
}

Result<Json> tools_json(const std::vector<ToolSpec>& tools) {
  Json out = Json::array();
  for (const ToolSpec& tool : tools) {
    Json function = {{"name", tool.name}, {"description", tool.description}};
    if (!tool.parameters.empty()) {
      function["parameters"] = TRY(parse_json(tool.parameters, "parameters of tool " + tool.name));
    }
    out.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<LocalModel>> LocalModel::load(const LocalModelOptions& options) {
  std::unique_ptr<LocalModel> out(new LocalModel);
  out->checkpoint_ = TRY(open_checkpoint(options.path));
  Isa isa = TRY(choose_isa());
  if (options.deterministic) isa = std::min(isa, Isa::kAvx2);
  out->pool_ = options.pool;
  if (!out->pool_) {
    const int n_threads = options.n_threads > 0 ? options.n_threads : default_thread_count();
    out->pool_ = std::make_shared<ThreadPool>(n_threads);
  }
  // The vocabulary takes one thread and the weights take all; what is idle in one helps the other.
  auto text = std::async(std::launch::async, [&] { return out->load_text(); });
  TRY(out->load_weights(isa, options.packed));
  if (options.kv_type) out->model_->set_kv_type(*options.kv_type);
  TRY(text.get());
  TRY(out->check_vocabulary());
  TRY(out->load_defaults());
  out->settle();
  return out;
}

Status LocalModel::load_weights(Isa isa, PackedCopies packed) {
  PackedCopy copy;
  if (packed != PackedCopies::kNone) copy = open_packed_copy(*checkpoint_, isa, *pool_);
  backend_ = make_cpu_backend(*pool_, isa, packed == PackedCopies::kNone ? nullptr : &copy);
  model_ = TRY(load_model(*checkpoint_, *backend_));
  mapped_bytes_ = copy.mapped_bytes();
  if (packed == PackedCopies::kKeep && copy.lacks_some()) {
    const Status kept = keep_packed_copy(*checkpoint_, isa, copy);
    if (!kept.ok()) log(LogLevel::kWarning, "packed weights not kept: " + kept.error().message);
  }
  return {};
}

// Gives back what only loading needed: lists of tokens and merges that the tokenizer has made its
// tables of, pages of the file whose numbers are packed.
void LocalModel::settle() {
  checkpoint_->release_metadata();
  checkpoint_->drop_all_pages();
#if defined(__GLIBC__)
  ::malloc_trim(0);  // small strings leave holes that the library would keep
#endif
}

Status LocalModel::load_text() {
  // A checkpoint without vocabulary still answers requests in token ids.
  const auto missing = [](const Error& error) { return error.code == ErrorCode::kNotFound; };
  std::optional<Metadata> from_folder;
  if (checkpoint_->format() == CheckpointFormat::kHuggingFace) {
    auto read = read_hf_tokenizer(checkpoint_->path());
    if (!read.ok()) return missing(read.error()) ? Status() : Status(std::move(read).error());
    from_folder = std::move(read).value();
  }
  const Metadata& metadata = from_folder ? *from_folder : checkpoint_->metadata();
  auto tokenizer = Tokenizer::load(metadata, checkpoint_->path());
  if (!tokenizer.ok()) {
    return missing(tokenizer.error()) ? Status() : Status(std::move(tokenizer).error());
  }
  tokenizer_ = std::move(tokenizer).value();
  const auto name_of = [&](std::string_view key) -> Result<std::string> {
    const auto id = TRY(metadata.find_int(key));
    if (!id || *id < 0 || *id >= tokenizer_->size()) return std::string();
    return std::string(tokenizer_->token_name(static_cast<int32_t>(*id)));
  };
  unk_token_ = TRY(name_of("tokenizer.ggml.unknown_token_id"));
  pad_token_ = TRY(name_of("tokenizer.ggml.padding_token_id"));
  templates_ = TRY(ChatTemplates::load(metadata));
  return {};
}

Status LocalModel::check_vocabulary() {
  if (!tokenizer_) return {};
  const int64_t vocab_size = model_->info().vocab_size;
  if (tokenizer_->size() > vocab_size) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("the vocabulary has {} tokens, the embedding {} rows; {}; the file is "
                             "damaged or put together from two models",
                             tokenizer_->size(), vocab_size, checkpoint_->path())};
  }
  size_t longest = 1;
  for (int32_t id = 0; id < tokenizer_->size(); ++id) {
    longest =
        std::max({longest, tokenizer_->token_bytes(id).size(), tokenizer_->token_name(id).size()});
  }
  max_prompt_bytes_ = static_cast<int64_t>(longest) * model_->info().context_length;
  return {};
}

Status LocalModel::load_defaults() {
  const Metadata& meta = checkpoint_->metadata();
  defaults_.temperature = TRY(meta.find_double("generation_config.temperature"));
  defaults_.top_p = TRY(meta.find_double("generation_config.top_p"));
  defaults_.min_p = TRY(meta.find_double("generation_config.min_p"));
  defaults_.repetition_penalty = TRY(meta.find_double("generation_config.repetition_penalty"));
  if (const auto top_k = TRY(meta.find_int("generation_config.top_k"))) {
    defaults_.top_k = static_cast<int>(std::clamp<int64_t>(*top_k, 0, kMaxTopK));
  }
  if (const Status valid = check_sampling(defaults_); !valid.ok()) {
    return Error{ErrorCode::kDamaged, fmt::format("generation_config.json of {}: {}",
                                                  checkpoint_->path(), valid.error().message)};
  }
  if (tokenizer_) {
    const auto ends = tokenizer_->end_tokens();
    end_tokens_.assign(ends.begin(), ends.end());
  }
  for (const char* key : {"generation_config.eos_token_id", "eos_token_id"}) {
    if (!meta.has(key)) continue;
    const auto list = meta.find_ints(key);
    const auto one = meta.find_int(key);
    if (list.ok() && *list) {
      for (const int64_t id : **list) end_tokens_.push_back(static_cast<int32_t>(id));
    } else if (one.ok() && *one) {
      end_tokens_.push_back(static_cast<int32_t>(**one));
    }
  }
  return {};
}

Result<std::vector<int32_t>> LocalModel::tokens_of_chat(const ChatPrompt& chat) const {
  const auto chosen = templates_.choose(!chat.tools.empty());
  if (!chosen.ok()) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("this model cannot chat: {}; {}; send a plain prompt to "
                             "/v1/completions, or use the instruction-tuned model",
                             chosen.error().message, checkpoint_->path())};
  }
  Json messages = Json::array();
  for (const Message& message : chat.messages) messages.push_back(TRY(message_json(message)));
  const Json tools = TRY(tools_json(chat.tools));
  TemplateInput input;
  input.messages = &messages;
  if (!tools.empty()) input.tools = &tools;
  std::string bos, eos;
  if (tokenizer_->bos()) bos = tokenizer_->token_name(*tokenizer_->bos());
  if (!tokenizer_->end_tokens().empty()) eos = tokenizer_->token_name(tokenizer_->end_tokens()[0]);
  input.bos_token = bos;
  input.eos_token = eos;
  input.unk_token = unk_token_;
  input.pad_token = pad_token_;
  input.add_generation_prompt = chat.add_generation_prompt;
  input.continue_final_message = chat.continue_final_message;
  return tokenizer_->encode(TRY((*chosen)->render(input)));
}

Result<std::vector<int32_t>> LocalModel::tokens_of(const Prompt& prompt) const {
  if (const auto* tokens = std::get_if<TokenPrompt>(&prompt)) {
    const int64_t vocab_size = model_->info().vocab_size;
    for (const int32_t id : tokens->ids) {
      if (id < 0 || id >= vocab_size) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("token id {} is outside the vocabulary of {}; prompt; use ids of "
                                 "this model's tokenizer",
                                 id, vocab_size)};
      }
    }
    return tokens->ids;
  }
  if (!tokenizer_) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the model has no vocabulary; {}; send the prompt as token ids",
                             checkpoint_->path())};
  }
  if (const auto* chat = std::get_if<ChatPrompt>(&prompt)) return tokens_of_chat(*chat);
  std::vector<int32_t> ids;
  if (tokenizer_->add_bos() && tokenizer_->bos()) ids.push_back(*tokenizer_->bos());
  const auto text = tokenizer_->encode_user(std::get<TextPrompt>(prompt).text);
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

SamplingParams LocalModel::with_defaults(SamplingParams params) const {
  if (!params.temperature) params.temperature = defaults_.temperature;
  if (!params.top_k) params.top_k = defaults_.top_k;
  if (!params.top_p) params.top_p = defaults_.top_p;
  if (!params.min_p) params.min_p = defaults_.min_p;
  if (!params.repetition_penalty) params.repetition_penalty = defaults_.repetition_penalty;
  return params;
}

bool LocalModel::ends(int32_t id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

}  // namespace overtake
