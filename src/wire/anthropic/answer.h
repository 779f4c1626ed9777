// Answers of Anthropic's Messages.
#pragma once

#include <memory>

#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::anthropic {

// As wire::Dialect::make_writer.
std::unique_ptr<wire::AnswerWriter> make_messages_writer(const wire::Call& call,
                                                         wire::AnswerIdentity identity);

}  // namespace overtake::anthropic
