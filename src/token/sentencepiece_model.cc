#include "token/sentencepiece_model.h"

#include <fmt/core.h>

#include <cstring>

namespace overtake {
namespace {

Error damaged(std::string_view what, std::string_view file) {
  return {ErrorCode::kDamaged,
          fmt::format("not a SentencePiece model: {}; {}; the file is damaged: "
                      "get it again",
                      what, file)};
}

// One field of a message: a number, or a run of bytes.
struct Field {
  uint64_t number = 0;
  bool is_bytes = false;
  uint64_t value = 0;
  std::string_view bytes;

  int64_t as_int() const { return static_cast<int64_t>(value); }
  float as_float() const {
    const auto bits = static_cast<uint32_t>(value);
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
};

class WireReader {
 public:
  WireReader(std::string_view bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  bool done() const { return bytes_.empty(); }

  Result<Field> next() {
    const uint64_t tag = TRY(varint());
    Field out;
    out.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        out.value = TRY(varint());
        return out;
      case 1:
        out.value = TRY(fixed(8));
        return out;
      case 5:
        out.value = TRY(fixed(4));
        return out;
      case 2: {
        const uint64_t size = TRY(varint());
        if (size > bytes_.size()) return damaged("a field reaches past the end", file_);
        out.is_bytes = true;
        out.bytes = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return out;
      }
      default:
        return damaged(fmt::format("a field of unknown kind {}", tag & 7), file_);
    }
  }

 private:
  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return damaged("it ends within a number", file_);
      const auto byte = static_cast<unsigned char>(bytes_[0]);
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return damaged("a number of more than 64 bits", file_);
  }
  Result<uint64_t> fixed(size_t n) {
    if (bytes_.size() < n) return damaged("it ends within a number", file_);
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data(), n);
    bytes_.remove_prefix(n);
    return value;
  }

  std::string_view bytes_;
  std::string_view file_;
};

// Calls `use(field)` for every field of a message.
template <typename Use>
Status for_each_field(std::string_view bytes, std::string_view file, Use use) {
  WireReader reader(bytes, file);
  while (!reader.done()) TRY(use(TRY(reader.next())));
  return {};
}

Status read_piece(std::string_view bytes, std::string_view file, SentencePieceModel* model) {
  constexpr size_t kMaxPieces = size_t{1} << 24;
  if (model->pieces.size() == kMaxPieces) return damaged("too many pieces", file);
  SentencePieceModel::Piece& piece = model->pieces.emplace_back();
  return for_each_field(bytes, file, [&](const Field& field) -> Status {
    if (field.number == 1 && field.is_bytes) piece.text = field.bytes;
    if (field.number == 2 && !field.is_bytes) piece.score = field.as_float();
    if (field.number == 3 && !field.is_bytes) piece.type = field.as_int();
    return {};
  });
}

Status read_trainer(std::string_view bytes, std::string_view file, SentencePieceModel* model) {
  return for_each_field(bytes, file, [&](const Field& field) -> Status {
    if (field.is_bytes) return {};
    switch (field.number) {
      case 3:
        if (field.value < 1 || field.value > 4) {
          return damaged(fmt::format("unknown model type {}", field.value), file);
        }
        model->kind = static_cast<SentencePieceModel::Kind>(field.value);
        break;
      case 24:
        model->treat_whitespace_as_suffix = field.value != 0;
        break;
      case 35:
        model->byte_fallback = field.value != 0;
        break;
      case 40:
        model->unknown_id = field.as_int();
        break;
      case 41:
        model->bos_id = field.as_int();
        break;
      case 42:
        model->eos_id = field.as_int();
        break;
      case 43:
        model->pad_id = field.as_int();
        break;
      default:
        break;
    }
    return {};
  });
}

Status read_normalizer(std::string_view bytes, std::string_view file, SentencePieceModel* model) {
  return for_each_field(bytes, file, [&](const Field& field) -> Status {
    if (field.number == 2 && field.is_bytes) model->charsmap = field.bytes;
    if (field.number == 3 && !field.is_bytes) model->add_dummy_prefix = field.value != 0;
    if (field.number == 4 && !field.is_bytes) model->remove_extra_whitespaces = field.value != 0;
    if (field.number == 5 && !field.is_bytes) model->escape_whitespaces = field.value != 0;
    return {};
  });
}

}  // namespace

Result<SentencePieceModel> parse_sentencepiece(std::string_view bytes, std::string_view file) {
  SentencePieceModel model;
  TRY(for_each_field(bytes, file, [&](const Field& field) -> Status {
    if (!field.is_bytes) return {};
    if (field.number == 1) return read_piece(field.bytes, file, &model);
    if (field.number == 2) return read_trainer(field.bytes, file, &model);
    if (field.number == 3) return read_normalizer(field.bytes, file, &model);
    return {};
  }));
  if (model.pieces.empty()) return damaged("it has no pieces", file);
  return model;
}

}  // namespace overtake
