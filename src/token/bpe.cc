#include "token/bpe.h"

#include <fmt/core.h>

#include <algorithm>

#include "token/byte_level.h"

namespace overtake {
namespace {

Result<const PreTokenizer*> find_pretokenizer(const Metadata& metadata, std::string_view path) {
  const std::string name = TRY(metadata.find_string("tokenizer.ggml.pre")).value_or(std::string());
  std::string known;
  for (const PreTokenizer* entry : all_pretokenizers()) {
    if (std::find(entry->names.begin(), entry->names.end(), name) != entry->names.end()) {
      return entry;
    }
    for (std::string_view other : entry->names) known += fmt::format(" {}", other);
  }
  if (name.empty() || name == "default") {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the file does not say how its model cuts text (tokenizer.ggml.pre); "
                             "{}; it was made by an old converter: get a newer file of the model",
                             path)};
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("unknown pre-tokenizer \"{}\" (tokenizer.ggml.pre); {}; known are:{}",
                           name, path, known)};
}

Error bad_merge(size_t i, std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("tokenizer.ggml.merges[{}]: {}; {}; the file is damaged: "
                      "get it again",
                      i, what, path)};
}

// A merge of a file: "left right", where the first space after the first character parts the two.
// Merges into a control token are left out: no text may become one.
Result<MergeTable> read_merges(const Metadata& metadata, const Vocabulary& vocabulary,
                               std::string_view path) {
  const std::vector<std::string>* merges = TRY(metadata.find_strings("tokenizer.ggml.merges"));
  if (!merges) {
    return Error{ErrorCode::kDamaged, fmt::format("a BPE vocabulary without tokenizer.ggml.merges; "
                                                  "{}; the file is damaged: get it again",
                                                  path)};
  }
  constexpr size_t kMaxMerges = size_t{1} << 26;
  if (merges->size() > kMaxMerges) return bad_merge(kMaxMerges, "too many merges", path);
  MergeTable table(merges->size());
  std::string joined;
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string_view merge = (*merges)[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) return bad_merge(i, "not a pair", path);
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = merge.substr(space + 1);
    joined.assign(left).append(right);
    const int32_t left_id = vocabulary.find(left);
    const int32_t right_id = vocabulary.find(right);
    const int32_t id = vocabulary.find(joined);
    if (left_id < 0 || right_id < 0 || id < 0) {
      return bad_merge(i, "not of this vocabulary's tokens", path);
    }
    if (vocabulary.is_control(id)) continue;
    if (!table.add(left_id, right_id, {static_cast<uint32_t>(i), id})) {
      return bad_merge(i, "thousands of pairs hash alike", path);
    }
  }
  return table;
}

}  // namespace

ByteLevelBpe::ByteLevelBpe(Vocabulary vocabulary, SpecialMatcher specials, MergeTable merges,
                           const PreTokenizer* pre)
    : vocabulary_(std::move(vocabulary)),
      specials_(std::move(specials)),
      merges_(std::move(merges)),
      pre_(pre),
      whole_pieces_(vocabulary_.size()) {
  byte_tokens_.fill(-1);
}

Result<std::unique_ptr<Tokenizer>> ByteLevelBpe::load(const Metadata& metadata,
                                                      std::string_view path) {
  const PreTokenizer* pre = TRY(find_pretokenizer(metadata, path));
  if (TRY(metadata.find_bool("tokenizer.ggml.add_space_prefix")).value_or(false)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a byte-level BPE that puts a space before texts "
                             "(tokenizer.ggml.add_space_prefix); {}; get another file of the model",
                             path)};
  }
  Vocabulary vocabulary = TRY(Vocabulary::read(metadata, path));
  SpecialMatcher specials = TRY(SpecialMatcher::make(vocabulary, path));
  MergeTable merges = TRY(read_merges(metadata, vocabulary, path));
  std::unique_ptr<ByteLevelBpe> out(
      new ByteLevelBpe(std::move(vocabulary), std::move(specials), std::move(merges), pre));
  TRY(out->index_bytes(path));
  TRY(out->read_roles(metadata, path, pre->default_add_bos));
  const int32_t unknown =
      TRY(read_token_id(metadata, "tokenizer.ggml.unknown_token_id", out->size(), path));
  if (unknown >= 0 && out->vocabulary_.type(unknown) != TokenType::kControl) {
    out->unknown_ = unknown;
  }
  return std::unique_ptr<Tokenizer>(std::move(out));
}

Status ByteLevelBpe::index_bytes(std::string_view path) {
  bytes_.reserve(size(), 0);
  for (int32_t id = 0; id < size(); ++id) {
    const std::string_view name = vocabulary_.name(id);
    const TokenType type = vocabulary_.type(id);
    if (vocabulary_.is_control(id) || type == TokenType::kUnused) {
      bytes_.push_back("");
      continue;
    }
    const std::optional<std::string> bytes = byte_level_bytes(name);
    if (type != TokenType::kNormal || !bytes) {
      bytes_.push_back(name);
      continue;
    }
    bytes_.push_back(*bytes);
    if (bytes_.index(id) != StringTable::Indexed::kDone) {
      return Error{ErrorCode::kDamaged, fmt::format("thousands of tokens hash alike; {}; the file "
                                                    "is damaged: get it again",
                                                    path)};
    }
    longest_token_bytes_ = std::max(longest_token_bytes_, bytes->size());
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = bytes_.find({&c, 1});
  }
  return {};
}

std::vector<int32_t> ByteLevelBpe::encode(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() < size_t{1} << 31);
  std::vector<int32_t> ids;
  BpeScratch scratch;
  for (const TextPart& part : specials_.split(text)) {
    if (part.special >= 0) {
      ids.push_back(part.special);
      continue;
    }
    const std::string_view all =
        std::string_view(text.text).substr(part.begin, part.end - part.begin);
    for (size_t begin = 0; begin < all.size();) {
      const size_t end = pre_->piece_end(all, begin);
      OVERTAKE_CHECK(end > begin && end <= all.size());
      encode_piece(all.substr(begin, end - begin), scratch, ids);
      begin = end;
    }
  }
  return ids;
}

void ByteLevelBpe::encode_piece(std::string_view piece, BpeScratch& scratch,
                                std::vector<int32_t>& ids) const {
  using State = WholePieces::State;
  const int32_t whole = piece.size() <= longest_token_bytes_ ? bytes_.find(piece) : -1;
  const State state = whole >= 0 ? whole_pieces_.get(whole) : State::kNo;
  if (state == State::kYes || (whole >= 0 && pre_->whole_pieces_first)) {
    ids.push_back(whole);
    return;
  }
  merge_piece(piece, scratch);
  if (state == State::kUnknown) {
    whole_pieces_.set(whole, scratch.symbols.size() == 1 && scratch.symbols[0].id == whole);
  }
  for (const BpeSymbol& symbol : scratch.symbols) ids.push_back(symbol.id);
}

// Leaves the piece's tokens in scratch.symbols.
void ByteLevelBpe::merge_piece(std::string_view piece, BpeScratch& scratch) const {
  scratch.symbols.clear();
  for (uint32_t i = 0; i < piece.size(); ++i) {
    int32_t id = byte_tokens_[static_cast<unsigned char>(piece[i])];
    if (id < 0) id = unknown_;
    if (id >= 0) scratch.symbols.push_back({id, i, i + 1});
  }
  merge_symbols(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) {
    return merges_.find(left.id, right.id);
  });
}

std::string ByteLevelBpe::token_bytes(int32_t id) const {
  return in_range(id) ? std::string(bytes_[id]) : std::string();
}

std::string_view ByteLevelBpe::token_name(int32_t id) const {
  return in_range(id) ? vocabulary_.name(id) : std::string_view();
}

std::optional<int32_t> ByteLevelBpe::find(std::string_view name) const {
  const int32_t id = vocabulary_.find(name);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

bool ByteLevelBpe::is_control(int32_t id) const {
  return in_range(id) && vocabulary_.is_control(id);
}

std::string ByteLevelBpe::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (int32_t id : ids) {
    if (in_range(id)) out += bytes_[id];
  }
  return out;
}

}  // namespace overtake
