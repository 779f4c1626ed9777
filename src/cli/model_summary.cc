#include "cli/model_summary.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <map>

#include "base/check.h"
#include "cli/terminal.h"
#include "tensor/ops.h"
#include "tensor/weight.h"

namespace overtake {
namespace {

// The first of `names` that the metadata has; a GGUF key stands behind the architecture's name.
Result<std::optional<int64_t>> find_number(const Checkpoint& checkpoint,
                                           std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const bool gguf = checkpoint.format() == CheckpointFormat::kGguf;
    const std::string key = gguf ? checkpoint.model_type() + "." + name : name;
    const auto value = checkpoint.metadata().all().find(key);
    if (value == checkpoint.metadata().all().end()) continue;
    // Some files give a list, a value a layer; that is no one number to show.
    const auto number = checkpoint.metadata().find_int(key);
    return number.ok() ? *number : std::nullopt;
  }
  return std::optional<int64_t>();
}

std::vector<TypeShare> type_shares(const Checkpoint& checkpoint) {
  std::map<std::string_view, TypeShare> by_type;
  for (const StoredTensor& tensor : checkpoint.tensors()) {
    TypeShare& share = by_type[tensor.type->name];
    share.type = tensor.type->name;
    share.n_tensors += 1;
    share.n_elements += static_cast<uint64_t>(tensor.n_rows() * tensor.n_cols());
    share.bytes += tensor.data.size();
  }
  std::vector<TypeShare> shares;
  for (auto& [name, share] : by_type) shares.push_back(std::move(share));
  std::ranges::stable_sort(shares, std::greater<>(), &TypeShare::bytes);
  return shares;
}

// Holds no numbers: only the shape that a loader asks for.
class CountedWeight : public Weight {
 public:
  CountedWeight(int64_t n_out, int64_t n_in, size_t bytes) : Weight(n_out, n_in), bytes_(bytes) {}
  size_t bytes() const override { return bytes_; }

 private:
  size_t bytes_;
};

class CountingBackend : public Backend {
 public:
  std::string_view name() const override { return "counting"; }
  Result<std::unique_ptr<Weight>> pack(std::span<const RowSpan> rows) override {
    OVERTAKE_CHECK(!rows.empty());
    const int64_t n_in = rows.front().tensor->n_cols();
    int64_t n_out = 0;
    size_t bytes = 0;
    for (const RowSpan& span : rows) {
      n_out += span.count;
      bytes += static_cast<size_t>(span.tensor->type->row_bytes(n_in) * span.count);
    }
    return std::unique_ptr<Weight>(std::make_unique<CountedWeight>(n_out, n_in, bytes));
  }
  std::unique_ptr<Ops> make_ops() override { return nullptr; }
};

}  // namespace

Status summarize_tokenizer(const Metadata& metadata, ModelSummary& summary) {
  const auto model = TRY(metadata.find_string("tokenizer.ggml.model"));
  const auto pre = TRY(metadata.find_string("tokenizer.ggml.pre"));
  if (model != "no_vocab") summary.tokenizer = model.value_or("");
  if (model && pre) summary.tokenizer += " (" + *pre + ")";
  const std::vector<std::string>* tokens = TRY(metadata.find_strings("tokenizer.ggml.tokens"));
  if (tokens) summary.n_tokens = static_cast<int64_t>(tokens->size());
  summary.has_chat_template = metadata.has("tokenizer.chat_template");
  return {};
}

Result<ModelSummary> summarize(const Checkpoint& checkpoint) {
  const Metadata& metadata = checkpoint.metadata();
  ModelSummary summary;
  summary.format = checkpoint.format() == CheckpointFormat::kGguf ? "GGUF" : "safetensors";
  summary.model_type = checkpoint.model_type();
  summary.file_bytes = checkpoint.file_bytes();
  summary.types = type_shares(checkpoint);
  for (const TypeShare& share : summary.types) summary.n_parameters += share.n_elements;
  summary.title = TRY(metadata.find_string("general.name")).value_or("");
  summary.licence = TRY(metadata.find_string("general.license")).value_or("");
  summary.context_length =
      TRY(find_number(checkpoint, {"context_length", "max_position_embeddings"}));
  summary.n_heads =
      TRY(find_number(checkpoint, {"attention.head_count", "num_attention_heads", "n_head"}));
  summary.ffn_width =
      TRY(find_number(checkpoint, {"feed_forward_length", "intermediate_size", "ffn_hidden_size"}));
  TRY(summarize_tokenizer(metadata, summary));
  return summary;
}

Result<ModelInfo> verify_model(const Checkpoint& checkpoint) {
  CountingBackend backend;
  return TRY(load_model(checkpoint, backend))->info();
}

uint64_t kv_bytes(const KvShape& shape, int64_t n_tokens) {
  const uint64_t n_pages = static_cast<uint64_t>(n_tokens + kPageTokens - 1) / kPageTokens;
  return n_pages * shape.page_bytes();
}

uint64_t state_bytes(const ModelInfo& info, int64_t n_tokens) {
  return kv_bytes(info.kv_shape, n_tokens) + info.recurrent_shape.bytes();
}

std::string state_text(const ModelInfo& info) {
  std::string out;
  if (info.kv_shape.n_layers > 0) {
    out = fmt::format("{} of keys and values in {} at {} tokens",
                      human_bytes(kv_bytes(info.kv_shape, info.context_length)),
                      kv_type_name(info.kv_shape.type),
                      with_commas(static_cast<uint64_t>(info.context_length)));
  }
  if (info.recurrent_shape.n_layers > 0) {
    out += fmt::format("{}{} of recurrent state at any length", out.empty() ? "" : ", ",
                       human_bytes(info.recurrent_shape.bytes()));
  }
  return out;
}

}  // namespace overtake
