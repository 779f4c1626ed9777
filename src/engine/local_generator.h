// A model on this machine as a Generator.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/generator.h"
#include "engine/local_model.h"

namespace overtake {

// Loads the model, and its draft model if it has one (errors: check_draft), and starts its
// scheduler.
Result<std::shared_ptr<Generator>> make_local_generator(const LocalModelOptions& options);

// The same over a model that is loaded already.
Result<std::shared_ptr<Generator>> make_local_generator(std::unique_ptr<LocalModel> model,
                                                        const LocalModelOptions& options);

}  // namespace overtake
