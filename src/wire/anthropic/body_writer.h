// The whole answer of POST /v1/messages.
#pragma once

#include <memory>

#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::anthropic {

std::unique_ptr<wire::AnswerWriter> make_body_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity);

}  // namespace overtake::anthropic
