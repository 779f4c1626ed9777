// Every golden checkpoint against transformers' outputs: all positions, hidden states, greedy text,
// any chunking, any company in the batch, on every instruction set of this machine.
#include "golden.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace overtake {
namespace {

constexpr float kTolerance = 2e-4f;  // of logits, absolute: the golden data's own

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float worst = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const float difference = std::fabs(a[i] - b[i]);
    worst = difference <= worst ? worst : difference;  // a NaN stays
  }
  return worst;
}

float largest(const std::vector<float>& values) {
  float out = 0;
  for (const float value : values) out = std::max(out, std::fabs(value));
  return out;
}

struct Traced {
  std::vector<float> logits;
  std::vector<std::vector<float>> hidden;
};

Traced trace(const LoadedModel& loaded, const std::vector<int32_t>& ids, int64_t chunk) {
  Traced out;
  const auto append = [](Tensor rows, std::vector<float>& to) {
    for (int64_t i = 0; i < rows.rows; ++i)
      to.insert(to.end(), rows.row(i), rows.row(i) + rows.cols);
  };
  TraceOptions options{.chunk = chunk};
  options.hidden = [&](int k, int64_t, Tensor rows) {
    if (static_cast<size_t>(k) >= out.hidden.size()) out.hidden.resize(k + 1);
    append(rows, out.hidden[k]);
  };
  const Status status = trace_prompt(
      *loaded.model, *loaded.ops, ids, [&](int64_t, Tensor rows) { append(rows, out.logits); },
      options);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return out;
}

void expect_golden(const LoadedModel& loaded, const Golden& golden) {
  const Traced traced = trace(loaded, golden.input_ids, 512);
  EXPECT_LE(largest_difference(traced.logits, golden.logits), kTolerance);
  ASSERT_EQ(traced.hidden.size(), golden.hidden.size());
  for (size_t k = 0; k < golden.hidden.size(); ++k) {
    const float bound = kTolerance * std::max(1.0f, largest(golden.hidden[k]) / 8);
    EXPECT_LE(largest_difference(traced.hidden[k], golden.hidden[k]), bound) << "hidden." << k;
  }
}

// One copy of a folder with its other config in the place of config.json.
std::string with_published_config(const std::string& folder) {
  namespace fs = std::filesystem;
  const fs::path copy =
      fs::path(testing::TempDir()) / ("published-" + std::to_string(::getpid()) + "-" +
                                      std::to_string(std::hash<std::string>()(folder)));
  fs::remove_all(copy);
  fs::create_directories(copy);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "config.json") continue;
    fs::create_symlink(fs::canonical(entry.path()),
                       copy / (name == "config.published-form.json" ? "config.json" : name));
  }
  return copy.string();
}

// Greedy continuation through the attention state, as generation runs.
std::vector<int32_t> greedy(const LoadedModel& loaded, const std::vector<int32_t>& prompt, int n) {
  std::vector<int32_t> ids = prompt;
  StatePool pool(loaded.model->info().kv_shape, 64, loaded.model->info().recurrent_shape, 4);
  SequenceState state(pool);
  for (int step = 0; step < n; ++step) {
    const int64_t first = state.n_tokens();
    const int64_t rows = static_cast<int64_t>(ids.size()) - first;
    EXPECT_TRUE(state.reserve(rows).ok());
    std::vector<int64_t> positions(rows);
    std::iota(positions.begin(), positions.end(), first);
    const Segment segment{&state, 0, rows, static_cast<int64_t>(ids.size())};
    const int32_t last = static_cast<int32_t>(rows - 1);
    const Batch batch{std::span(ids).subspan(first), positions, std::span(&segment, 1),
                      std::span(&last, 1)};
    const Tensor logits = loaded.model->forward(batch, *loaded.ops);
    state.commit(rows);
    const auto row = logits.row_span(0);
    ids.push_back(static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
    // transformers made the expected text without a cache: with dynamic scaling every step turns
    // all positions anew.
    if (loaded.model->info().length_dependent) state.truncate(0);
  }
  return {ids.begin() + static_cast<ptrdiff_t>(prompt.size()), ids.end()};
}

class GoldenModels : public testing::TestWithParam<std::string> {};

TEST_P(GoldenModels, AgreeWithTransformersOnEveryInstructionSet) {
  const Golden golden = read_golden(GetParam());
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(isa_name(isa));
    expect_golden(load_for_test(golden.folder, isa, 2), golden);
  }
}

TEST_P(GoldenModels, AgreeWithThePublishedFormOfTheirConfig) {
  const Golden golden = read_golden(GetParam());
  const std::string copy = with_published_config(golden.folder);
  expect_golden(load_for_test(copy, supported_isas().back(), 1), golden);
  std::filesystem::remove_all(copy);
}

TEST_P(GoldenModels, WriteTheSameGreedyText) {
  const Golden golden = read_golden(GetParam());
  const LoadedModel loaded = load_for_test(golden.folder, supported_isas().back(), 2);
  EXPECT_EQ(greedy(loaded, golden.input_ids, static_cast<int>(golden.greedy_ids.size())),
            golden.greedy_ids);
}

TEST_P(GoldenModels, GiveTheSameBitsInChunksOfAnySize) {
  const Golden golden = read_golden(GetParam());
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const LoadedModel loaded = load_for_test(golden.folder, isa, 2);
    const Traced whole = trace(loaded, golden.input_ids, 512);
    for (const int64_t chunk : {1, 7, 31, 32, 33}) {
      const Traced chunked = trace(loaded, golden.input_ids, chunk);
      EXPECT_EQ(chunked.logits, whole.logits) << "chunks of " << chunk;
      EXPECT_EQ(chunked.hidden, whole.hidden) << "chunks of " << chunk;
    }
  }
}

double rms(const std::vector<float>& values, const std::vector<float>& less = {}) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = values[i] - (less.empty() ? 0.0 : less[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// A block's numbers are rounded by steps of 1/127 of its largest, which is two to three times their
// rms: an error of 1/127 * 3 / sqrt(12) = 0.7 % of keys and of values. Each layer adds that of its
// values, and that of scores of some units, which the weights take as it is.
constexpr double kQ8ErrorOfALayer = 0.02;

TEST_P(GoldenModels, StayNearWithKeysAndValuesOf8BitsInChunksOfAnySize) {
  const Golden golden = read_golden(GetParam());
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const LoadedModel loaded = load_for_test(golden.folder, isa, 2);
    const KvShape& shape = loaded.model->info().kv_shape;
    if (shape.n_layers == 0) return;
    loaded.model->set_kv_type(KvType::kQ8_0);
    const std::vector<float> whole = trace(loaded, golden.input_ids, 512).logits;
    EXPECT_LE(rms(whole, golden.logits),
              kQ8ErrorOfALayer * std::sqrt(shape.n_layers) * rms(golden.logits));
    EXPECT_NE(whole, golden.logits);
    for (const int64_t chunk : {1, 31, 33}) {
      EXPECT_EQ(trace(loaded, golden.input_ids, chunk).logits, whole) << "chunks of " << chunk;
    }
  }
}

// Three sequences, one of them halfway, in one batch: each gets the bits that it gets alone.
TEST_P(GoldenModels, GiveTheSameBitsInARaggedBatch) {
  const Golden golden = read_golden(GetParam());
  const LoadedModel loaded = load_for_test(golden.folder, supported_isas().back(), 2);
  const std::vector<int32_t>& ids = golden.input_ids;
  const auto slice = [&](size_t from, size_t n) {
    return std::vector<int32_t>(ids.begin() + static_cast<ptrdiff_t>(from),
                                ids.begin() + static_cast<ptrdiff_t>(from + n));
  };
  const std::vector<std::vector<int32_t>> texts = {slice(0, 41), slice(30, 5), slice(10, 64)};
  const int64_t already = 23;  // tokens of the third that were read before

  StatePool pool(loaded.model->info().kv_shape, 64, loaded.model->info().recurrent_shape, 4);
  std::vector<SequenceState> states;
  for (size_t i = 0; i < texts.size(); ++i) states.emplace_back(pool);
  std::vector<int32_t> batch_ids, logit_rows;
  std::vector<int64_t> positions;
  std::vector<Segment> segments;
  const auto add = [&](size_t i, int64_t from, int64_t to) {
    ASSERT_TRUE(states[i].reserve(to - from).ok());
    segments.push_back({&states[i], static_cast<int64_t>(batch_ids.size()), to - from,
                        static_cast<int64_t>(texts[i].size())});
    for (int64_t p = from; p < to; ++p) {
      logit_rows.push_back(static_cast<int32_t>(batch_ids.size()));
      batch_ids.push_back(texts[i][p]);
      positions.push_back(p);
    }
  };
  // The rows are copied: the next pass over the model reuses their memory.
  const auto run = [&] {
    const Tensor out =
        loaded.model->forward(Batch{batch_ids, positions, segments, logit_rows}, *loaded.ops);
    for (const Segment& segment : segments) segment.state->commit(segment.n_rows);
    std::vector<std::vector<float>> rows;
    for (int64_t i = 0; i < out.rows; ++i) rows.emplace_back(out.row(i), out.row(i) + out.cols);
    return rows;
  };
  add(2, 0, already);
  run();
  batch_ids.clear(), positions.clear(), segments.clear(), logit_rows.clear();
  add(0, 0, 41);
  add(1, 0, 5);
  add(2, already, 64);
  const auto logits = run();

  const int64_t vocab = loaded.model->info().vocab_size;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<float> alone = trace(loaded, texts[i], 512).logits;
    const Segment& segment = segments[i];
    const int64_t skipped = static_cast<int64_t>(texts[i].size()) - segment.n_rows;
    for (int64_t row = 0; row < segment.n_rows; ++row) {
      const auto expected = std::span(alone).subspan((skipped + row) * vocab, vocab);
      ASSERT_TRUE(std::ranges::equal(logits[segment.first_row + row], expected))
          << "sequence " << i << ", row " << row;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, GoldenModels, testing::ValuesIn(golden_folders()), [](const auto& info) {
  std::string name =
      std::to_string(info.index) + "_" + std::filesystem::path(info.param).filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace overtake
