// LocalModel: everything that one model on this machine consists of, from its file to its kernels.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generator.h"
#include "engine/speculation/speculation.h"
#include "format/checkpoint.h"
#include "model/arch.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/ops.h"
#include "token/chat_templates.h"
#include "token/tokenizer.h"

namespace overtake {

// Packed weights on disk (catalog/packed_copies.h): not looked at; used where they were kept; kept
// where they were not.
enum class PackedCopies { kNone, kUse, kKeep };

struct LocalModelOptions {
  std::string path;                                     // a GGUF file or a safetensors folder
  std::string name;                                     // what requests call it
  int n_threads = 0;                                    // 0: default_thread_count()
  bool deterministic = false;                           // AVX2 at most, so that machines agree
  Speculation speculation = Speculation::kWhereFaster;  // the text is the same
  // A smaller model of the same vocabulary that guesses ahead, as `path`; empty: none.
  std::string draft_path;
  // Threads to run on instead of n_threads of its own: models that take turns.
  std::shared_ptr<ThreadPool> pool;
  // Memory for attention state, the draft model's too; unset: from what the machine has free.
  std::optional<uint64_t> kv_bytes;
  // What keys and values are kept in, the draft model's too; unset: f32 for weights of f32, else
  // f16.
  std::optional<KvType> kv_type;
  PackedCopies packed = PackedCopies::kNone;
};

// Immutable after loading, but for the pool, which serves one caller at a time.
class LocalModel {
 public:
  static Result<std::unique_ptr<LocalModel>> load(const LocalModelOptions& options);

  const Checkpoint& checkpoint() const { return *checkpoint_; }  // its metadata is released
  const Model& model() const { return *model_; }
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }  // null: the file has none
  // Of the weights, what is a file's pages, which the system counts as free memory.
  size_t mapped_bytes() const { return mapped_bytes_; }
  Backend& backend() const { return *backend_; }
  ThreadPool& pool() const { return *pool_; }
  std::shared_ptr<ThreadPool> shared_pool() const { return pool_; }

  // The ids that the model reads for a prompt, as its makers defined it. kUnsupported where the
  // file lacks what the prompt needs (vocabulary, template) or the model cannot read a part of it.
  Result<std::vector<int32_t>> tokens_of(const Prompt& prompt) const;
  // A prompt of more bytes than this cannot fit the context, whatever its text.
  int64_t max_prompt_bytes() const { return max_prompt_bytes_; }
  // `params` with what it leaves open taken from the model's generation_config.json.
  SamplingParams with_defaults(SamplingParams params) const;
  bool ends(int32_t id) const;
  std::span<const int32_t> end_tokens() const { return end_tokens_; }

 private:
  LocalModel() = default;
  Status load_text();  // beside the loading of the model, which it does not look at
  Status load_weights(Isa isa, PackedCopies packed);
  Status check_vocabulary();  // against the model
  Status load_defaults();
  void settle();
  Result<std::vector<int32_t>> tokens_of_chat(const ChatPrompt& chat) const;

  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<Tokenizer> tokenizer_;
  ChatTemplates templates_;
  std::string unk_token_;  // as templates name them; empty: none
  std::string pad_token_;
  std::unique_ptr<Model> model_;  // after what it points into, so that it goes first
  SamplingParams defaults_;
  std::vector<int32_t> end_tokens_;
  int64_t max_prompt_bytes_ = 0;
  size_t mapped_bytes_ = 0;
};

}  // namespace overtake
