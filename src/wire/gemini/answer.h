// Answers of Gemini's generateContent, and of streamGenerateContent as events and as an array.
#pragma once

#include <memory>

#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::gemini {

// As wire::Dialect::make_writer; which of the two counts where the call is a stream.
std::unique_ptr<wire::AnswerWriter> make_event_writer(const wire::Call& call,
                                                      wire::AnswerIdentity identity);
std::unique_ptr<wire::AnswerWriter> make_array_writer(const wire::Call& call,
                                                      wire::AnswerIdentity identity);

}  // namespace overtake::gemini
