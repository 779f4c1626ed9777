// CountRun: one question for a prompt's length, which a remote model may take a while to answer.
#pragma once

#include <memory>
#include <string_view>

#include "net/http_server.h"
#include "server/completion_run.h"
#include "server/endpoint.h"
#include "wire/dialect.h"

namespace overtake {

// {"MEMBER": n}, and {"object": OBJECT} beside it unless that is empty.
struct CountForm {
  std::string_view member;
  std::string_view object = {};
};

// Answers as soon as the model has said n. `call` holds what the route says.
void run_count(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::Dialect& dialect, CountForm form, wire::Call call = {});
// The same, of a call that is read already.
void start_count(ReadCall read, std::shared_ptr<HttpExchange> exchange,
                 const wire::Dialect& dialect, CountForm form);

}  // namespace overtake
