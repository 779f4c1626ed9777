#include "model/convert.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "format/gguf_writer.h"
#include "model/arch.h"
#include "token/hf_tokenizer.h"

namespace overtake {
namespace {

constexpr ConvertType kTypes[] = {
    {"f32", "F32", 0}, {"f16", "F16", 1}, {"bf16", "BF16", 32}, {"q8_0", "Q8_0", 7}};

constexpr int64_t kQuantizationVersion = 2;  // of ggml's block formats
constexpr int64_t kChunkElements = 1 << 18;  // that one thread takes at a time
constexpr int64_t kChunksBetweenReports = 64;

// Where in the checkpoint each row of a planned tensor begins.
std::vector<const std::byte*> row_pointers(const PlannedTensor& tensor) {
  std::vector<const std::byte*> out;
  const auto add = [&](int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i) {
      out.push_back(tensor.source->row_bytes(i).data());
    }
  };
  for (const auto& part : tensor.rows) add(part.first, part.count);
  if (tensor.source && tensor.rows.empty()) add(0, tensor.source->n_rows());
  return out;
}

const QuantType& type_of(const PlannedTensor& tensor, const QuantType& wanted) {
  const bool matrix = tensor.name.ends_with(".weight") && !tensor.name.ends_with("_norm.weight") &&
                      !tensor.name.ends_with("_conv1d.weight");
  if (tensor.keep_f32 || tensor.shape.size() == 1 || !matrix) {
    return *find_quant_type("F32");
  }
  return tensor.shape.back() % wanted.block == 0 ? wanted : *find_quant_type("F16");
}

// One tensor on its way from the checkpoint to the file.
class TensorCopy {
 public:
  TensorCopy(const PlannedTensor& tensor, const GgufWriter& writer, size_t index)
      : tensor_(tensor),
        writer_(writer),
        index_(index),
        to_(*writer.tensors()[index].type),
        n_cols_(tensor.shape.back()),
        rows_(row_pointers(tensor)),
        rows_per_chunk_(std::max<int64_t>(1, kChunkElements / n_cols_)) {}

  int64_t n_chunks() const {
    const int64_t n_rows = static_cast<int64_t>(rows_.size());
    return (n_rows + rows_per_chunk_ - 1) / rows_per_chunk_;
  }

  Status write_values() const {
    std::vector<float> values = tensor_.values;
    if (tensor_.change) tensor_.change(0, values);
    return writer_.write(index_, 0, std::as_bytes(std::span(values)));
  }

  // Any thread.
  Status write_chunk(int64_t chunk) const {
    const int64_t first = chunk * rows_per_chunk_;
    const int64_t end = std::min(first + rows_per_chunk_, static_cast<int64_t>(rows_.size()));
    const int64_t row_bytes = to_.row_bytes(n_cols_);
    const uint64_t size = static_cast<uint64_t>((end - first) * row_bytes);
    const uint64_t offset = static_cast<uint64_t>(first * row_bytes);
    const QuantType& from = *tensor_.source->type;
    const bool same = &from == &to_ && !tensor_.change;
    if (same && tensor_.rows.empty()) return writer_.write(index_, offset, {rows_[first], size});
    std::vector<std::byte> out(size);
    std::vector<float> numbers(same ? 0 : static_cast<size_t>(n_cols_));
    for (int64_t row = first; row < end; ++row) {
      std::byte* to = out.data() + (row - first) * row_bytes;
      if (same) {
        std::memcpy(to, rows_[row], static_cast<size_t>(row_bytes));
        continue;
      }
      from.decode(rows_[row], numbers.data(), n_cols_);
      if (tensor_.change) tensor_.change(row, numbers);
      to_.encode(numbers.data(), to, n_cols_);
    }
    return writer_.write(index_, offset, out);
  }

 private:
  const PlannedTensor& tensor_;
  const GgufWriter& writer_;
  size_t index_;
  const QuantType& to_;
  int64_t n_cols_;
  std::vector<const std::byte*> rows_;
  int64_t rows_per_chunk_;
};

// Chunks [first, end) of a tensor, in parallel.
Status write_chunks(const TensorCopy& copy, int64_t first, int64_t end, ThreadPool& pool) {
  std::mutex mutex;
  Status status;
  pool.parallel_for(static_cast<int>(end - first), [&](int chunk) {
    Status done = copy.write_chunk(first + chunk);
    if (done.ok()) return;
    const std::scoped_lock lock(mutex);
    if (status.ok()) status = std::move(done);
  });
  return status;
}

Status write_tensor(const PlannedTensor& tensor, const GgufWriter& writer, size_t index,
                    ThreadPool& pool, const std::function<Status(uint64_t)>& report) {
  const TensorCopy copy(tensor, writer, index);
  const uint64_t size = writer.tensors()[index].n_bytes();
  if (!tensor.source) {
    TRY(copy.write_values());
    return report(size);
  }
  const int64_t n_chunks = copy.n_chunks();
  for (int64_t first = 0; first < n_chunks; first += kChunksBetweenReports) {
    const int64_t end = std::min(first + kChunksBetweenReports, n_chunks);
    TRY(write_chunks(copy, first, end, pool));
    TRY(report(size / static_cast<uint64_t>(n_chunks) * static_cast<uint64_t>(end)));
  }
  return {};
}

// A folder's name is what its owner calls the model.
std::string name_of(const std::string& path) {
  const std::filesystem::path full = std::filesystem::path(path).lexically_normal();
  const std::string name = full.filename().string();
  return name.empty() ? full.parent_path().filename().string() : name;
}

// The licence that the model card states: README.md begins with settings between lines of "---".
std::string licence_of(const std::string& folder) {
  const auto card = read_file((std::filesystem::path(folder) / "README.md").string(), 4 << 20);
  if (!card.ok() || !card->starts_with("---\n")) return "";
  const size_t end = std::min(card->find("\n---", 3), card->size());
  const std::string_view settings = std::string_view(*card).substr(0, end);
  constexpr std::string_view kKey = "\nlicense:";
  const size_t at = settings.find(kKey);
  if (at == settings.npos) return "";
  std::string_view value = settings.substr(at + kKey.size());
  value = trim(value.substr(0, value.find('\n')));
  const bool plain = std::ranges::all_of(value, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '+';
  });
  return plain && value.size() <= 64 ? std::string(value) : "";
}

Result<std::vector<int64_t>> end_tokens(const Metadata& config) {
  std::vector<int64_t> out;
  for (const char* key : {"generation_config.eos_token_id", "eos_token_id"}) {
    for (const int64_t id : TRY(config.find_ints(key)).value_or(std::vector<int64_t>())) {
      if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
  }
  return out;
}

// generation_config.json under the names that a folder's metadata has it, and under those that
// llama.cpp reads.
Status add_generation_keys(const Metadata& config, Metadata* out) {
  constexpr std::pair<std::string_view, const char*> kNumbers[] = {
      {"temperature", "general.sampling.temp"},
      {"top_p", "general.sampling.top_p"},
      {"min_p", "general.sampling.min_p"},
      {"repetition_penalty", "general.sampling.penalty_repeat"}};
  constexpr std::string_view kPrefix = "generation_config.";
  for (const auto& [key, value] : config.all()) {
    if (key.starts_with(kPrefix)) out->set(key, value);
  }
  for (const auto& [name, key] : kNumbers) {
    const auto number = TRY(config.find_double(fmt::format("{}{}", kPrefix, name)));
    if (number) out->set(key, static_cast<double>(static_cast<float>(*number)));
  }
  if (const auto top_k = TRY(config.find_int("generation_config.top_k"))) {
    out->set("general.sampling.top_k", *top_k);
  }
  if (std::vector<int64_t> ids = TRY(end_tokens(config)); !ids.empty()) {
    out->set("generation_config.eos_token_id", std::move(ids));
  }
  return {};
}

// The folder's tokenizer, or that there is none.
Status add_tokenizer_keys(const std::string& folder, Metadata* out) {
  Result<Metadata> read = read_hf_tokenizer(folder);
  if (!read.ok() && read.error().code == ErrorCode::kNotFound) {
    out->set("tokenizer.ggml.model", "no_vocab");
    return {};
  }
  const Metadata tokenizer = TRY(std::move(read));
  for (const auto& [key, value] : tokenizer.all()) out->set(key, value);
  if (auto scores = TRY(out->find_doubles("tokenizer.ggml.scores"))) {
    for (double& score : *scores) score = static_cast<double>(static_cast<float>(score));
    out->set("tokenizer.ggml.scores", std::move(*scores));
  }
  return {};
}

// A GGUF file as it is, to be written with another type.
Result<GgufPlan> plan_again(const Checkpoint& checkpoint) {
  const TensorNames names(checkpoint, "", {"", ""});
  GgufPlan plan(checkpoint, names, checkpoint.model_type());
  for (const auto& [key, value] : checkpoint.metadata().all()) {
    if (key != "general.alignment") plan.metadata().set(key, value);
  }
  for (const StoredTensor& tensor : checkpoint.tensors()) {
    TRY(plan.add_tensor(tensor.name, tensor.name));
  }
  return plan;
}

}  // namespace

std::span<const ConvertType> convert_types() { return kTypes; }

Result<GgufPlan> plan_gguf(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::kGguf) return plan_again(checkpoint);
  const Arch* arch = TRY(find_arch(checkpoint));
  if (!arch->to_gguf) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("models of type \"{}\" have no form in GGUF; {}; run the folder as it "
                             "is",
                             checkpoint.model_type(), checkpoint.path())};
  }
  GgufPlan plan = TRY(arch->to_gguf(checkpoint));
  Metadata& out = plan.metadata();
  out.set("general.type", "model");
  out.set("general.name", name_of(checkpoint.path()));
  const std::string licence = licence_of(checkpoint.path());
  if (!licence.empty()) out.set("general.license", licence);
  TRY(add_generation_keys(checkpoint.metadata(), &out));
  TRY(add_tokenizer_keys(checkpoint.path(), &out));
  return plan;
}

Status write_gguf(const Checkpoint& checkpoint, const GgufPlan& plan, const std::string& path,
                  const GgufWriteOptions& options, ThreadPool& pool) {
  const QuantType* wanted = find_quant_type(options.type.type);
  OVERTAKE_CHECK(wanted && wanted->encode);
  Metadata metadata = plan.metadata();
  metadata.set("general.file_type", options.type.file_type);
  if (wanted->block > 1) metadata.set("general.quantization_version", kQuantizationVersion);
  std::vector<GgufTensor> tensors;
  uint64_t total = 0;
  for (const PlannedTensor& tensor : plan.tensors()) {
    tensors.push_back({tensor.name, &type_of(tensor, *wanted), tensor.shape});
    total += tensors.back().n_bytes();
  }
  GgufWriter writer =
      TRY(GgufWriter::create(path, metadata, std::move(tensors), options.overwrite));
  uint64_t before = 0;  // bytes of the tensors that are done
  for (size_t i = 0; i < plan.tensors().size(); ++i) {
    const PlannedTensor& tensor = plan.tensors()[i];
    TRY(write_tensor(tensor, writer, i, pool, [&](uint64_t done) {
      return options.progress ? options.progress(before + done, total) : Status();
    }));
    before += writer.tensors()[i].n_bytes();
    if (tensor.source) checkpoint.drop_pages(*tensor.source);
  }
  return writer.finish();
}

}  // namespace overtake
