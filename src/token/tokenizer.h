// Tokenizer: text to token ids and back, as the model's makers defined it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"

namespace overtake {

// Text with one trust bit per byte: control tokens match only where every byte is trusted (written
// by a template or the operator), never in a user's text. Ordinary tokens do not see the bits, so
// merges run over the joined string. User-defined tokens are ordinary: they match in any text.
struct MarkedText {
  std::string text;
  std::vector<bool> trusted;  // [text.size()]

  void append(std::string_view part, bool part_is_trusted);
};

// Immutable after loading; any thread may use it.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Reads the vocabulary in a checkpoint's metadata (tokenizer.ggml.*), or beside its weights
  // (hf_tokenizer.h). kNotFound if it has none;
  // kUnsupported with its name for an unknown model or pre-tokenizer, never a guess.
  static Result<std::unique_ptr<Tokenizer>> load(const Checkpoint& checkpoint);
  // Of a Hugging Face folder, which needs no more than its tokenizer's files.
  static Result<std::unique_ptr<Tokenizer>> load_folder(const std::string& folder);
  // The same from bare metadata; `path` names the file in messages.
  static Result<std::unique_ptr<Tokenizer>> load(const Metadata& metadata, std::string_view path);

  // Ids without BOS and EOS. Texts are shorter than 2 GiB: callers bound them. Bytes that are not
  // UTF-8 are tokenized one by one; a byte or character that the vocabulary can not spell becomes
  // its unknown token where that is not a control token, and is dropped otherwise (as Hugging
  // Face's tokenizers do).
  virtual std::vector<int32_t> encode(const MarkedText& text) const = 0;
  std::vector<int32_t> encode_user(std::string_view text) const;     // nothing trusted
  std::vector<int32_t> encode_trusted(std::string_view text) const;  // all trusted

  // The bytes that a token adds to a text (not always whole characters). Control tokens give "".
  virtual std::string token_bytes(int32_t id) const = 0;
  // The token as the vocabulary spells it: "Ġthe", "<0x0A>", "<|im_end|>".
  virtual std::string_view token_name(int32_t id) const = 0;
  virtual std::optional<int32_t> find(std::string_view name) const = 0;
  virtual bool is_control(int32_t id) const = 0;
  virtual int32_t size() const = 0;
  // Bytes of a whole list; a leading space that the encoder adds to every text is removed.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;

  std::optional<int32_t> bos() const { return bos_; }
  bool add_bos() const { return add_bos_; }  // whether a prompt without template begins with bos
  bool add_eos() const { return add_eos_; }
  // Every token that ends an answer (eos, eot, eom).
  std::span<const int32_t> end_tokens() const { return end_tokens_; }
  bool ends(int32_t id) const;

 protected:
  // Fills the fields below from metadata and names; for implementations whose vocabulary is read.
  Status read_roles(const Metadata& metadata, std::string_view path, bool default_add_bos);

  std::optional<int32_t> bos_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  std::vector<int32_t> end_tokens_;
};

// Turns a stream of token bytes into a stream of whole UTF-8 characters: never half a character.
// Bytes that can not become one are replaced by U+FFFD.
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);  // the characters that are complete now
  std::string finish();                      // what is left, with U+FFFD for a broken tail

 private:
  std::string pending_;  // at most 3 bytes: the beginning of a character
};

}  // namespace overtake
