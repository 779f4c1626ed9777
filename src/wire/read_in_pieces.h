// For tests of answer readers: an answer as the network might deliver it.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "wire/client_dialect.h"

namespace overtake::testing {

inline Status read_in_pieces(wire::AnswerReader& reader, std::string_view bytes, size_t piece,
                             std::vector<Event>* events) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    TRY(reader.feed(bytes.substr(0, piece), events));
  }
  return reader.finish(events);
}

}  // namespace overtake::testing
