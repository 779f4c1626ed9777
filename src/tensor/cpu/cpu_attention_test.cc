// Attention of every instruction set against a plain one in double precision, and its invariances:
// a row's bits depend neither on how its sequence is cut nor on its neighbours nor on threads.
#include "tensor/cpu/cpu_attention.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>

#include "base/half.h"

namespace overtake {
namespace {

struct Shape {
  int n_heads = 4;
  int n_kv_heads = 2;
  int head_dim = 16;
  KvType type = KvType::kF32;
  int n_turned = 0;  // dimensions that the rope turns; 0: no rope
  bool bias = false;
  int64_t window = 0;

  int64_t row_size() const { return int64_t{n_heads + 2 * n_kv_heads} * head_dim; }
  int64_t out_size() const { return int64_t{n_heads} * head_dim; }
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
  return out << s.n_heads << "/" << s.n_kv_heads << " heads of " << s.head_dim << " "
             << kv_type_name(s.type) << " turned " << s.n_turned << (s.bias ? " bias" : "")
             << " window " << s.window;
}

constexpr int64_t kMostTokens = 1200;
constexpr int kLayer = 1;  // of two, so that offsets of layers matter
constexpr KvType kTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8_0};

// A sequence's inputs and what is fixed for a shape.
struct Problem {
  explicit Problem(const Shape& shape, int64_t n_tokens, uint64_t seed = 1)
      : shape(shape), n_tokens(n_tokens) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    rows.resize(static_cast<size_t>(n_tokens * shape.row_size()));
    for (float& value : rows) value = normal(random);
    for (int head = 0; head < shape.n_heads; ++head) {
      const float slope = std::exp2(-1.0f - static_cast<float>(head % 8));
      for (int64_t p = 0; p < kMostTokens; ++p) bias.push_back(slope * static_cast<float>(p));
    }
    rope.n_dims = shape.n_turned;
    rope.magnitude = 1.1f;
    for (int j = 0; j < shape.n_turned / 2; ++j) {
      rope.inv_freq.push_back(
          std::pow(10000.0f, -2.0f * static_cast<float>(j) / static_cast<float>(shape.n_turned)));
    }
    spec = {.n_heads = shape.n_heads,
            .n_kv_heads = shape.n_kv_heads,
            .head_dim = shape.head_dim,
            .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
            .rope = shape.n_turned ? &rope : nullptr,
            .key_bias = shape.bias ? bias.data() : nullptr,
            .key_bias_stride = kMostTokens,
            .window = shape.window};
  }
  Problem(const Problem&) = delete;

  Shape shape;
  int64_t n_tokens;
  std::vector<float> rows;  // [n_tokens, (n_heads + 2 n_kv_heads) head_dim]
  std::vector<float> bias;
  Rope rope;
  AttentionSpec spec;
};

// One head's row at a position, turned, in double.
std::vector<double> turned(const Problem& problem, int64_t position, int head) {
  const Shape& s = problem.shape;
  const float* x = &problem.rows[static_cast<size_t>(position * s.row_size() + head * s.head_dim)];
  std::vector<double> out(x, x + s.head_dim);
  for (int j = 0; j < s.n_turned / 2; ++j) {
    const float angle = static_cast<float>(position) * problem.rope.inv_freq[j];
    const int a = j, b = j + s.n_turned / 2;
    const double cos = std::cos(double{angle}) * problem.rope.magnitude;
    const double sin = std::sin(double{angle}) * problem.rope.magnitude;
    out[a] = x[a] * cos - x[b] * sin;
    out[b] = x[b] * cos + x[a] * sin;
  }
  return out;
}

// A token's key and value of a kv head.
struct Held {
  std::vector<double> key;
  std::vector<double> value;
};
using Memory = std::function<Held(int64_t position, int kv_head)>;

// Nothing lost.
Held exact(const Problem& problem, int64_t position, int kv_head) {
  const Shape& s = problem.shape;
  const float* value = &problem.rows[static_cast<size_t>(
      position * s.row_size() + int64_t{s.n_heads + s.n_kv_heads + kv_head} * s.head_dim)];
  return {turned(problem, position, s.n_heads + kv_head), {value, value + s.head_dim}};
}

// What a page of kQ8_0 holds, by the definition of its layout.
Held held(const SequenceState& state, int64_t position, int kv_head) {
  const KvShape& shape = state.shape();
  const Q8Head head = {shape.head_dim};
  const size_t slot = static_cast<size_t>(position % kPageTokens);
  const size_t part = static_cast<size_t>(kv_head) * shape.head_bytes();
  const std::byte* keys = state.page(position) + shape.key_offset(kLayer) + part;
  const std::byte* values = state.page(position) + shape.value_offset(kLayer) + part;
  const auto scale = [&](const std::byte* plane, size_t i) {
    uint16_t half;
    const size_t at = i / Q8Head::kBlock * kPageTokens + slot;
    std::memcpy(&half, plane + head.number_bytes() + at * sizeof half, sizeof half);
    return double{f16_to_f32(half)};
  };
  Held out;
  for (size_t i = 0; i < static_cast<size_t>(shape.head_dim); ++i) {
    const size_t key = i / 2 * 2 * kPageTokens + slot * 2 + i % 2;
    const size_t value = slot * static_cast<size_t>(head.width()) + i;
    out.key.push_back(static_cast<int8_t>(keys[key]) * scale(keys, i));
    out.value.push_back(static_cast<int8_t>(values[value]) * scale(values, i));
  }
  return out;
}

// Attention as its definition reads, [n_tokens, n_heads * head_dim].
std::vector<double> plain_attention(const Problem& problem, const Memory& memory) {
  const Shape& s = problem.shape;
  std::vector<double> out(static_cast<size_t>(problem.n_tokens * s.out_size()));
  for (int head = 0; head < s.n_heads; ++head) {
    const int kv_head = head / (s.n_heads / s.n_kv_heads);
    std::vector<Held> seen;
    for (int64_t q = 0; q < problem.n_tokens; ++q) {
      seen.push_back(memory(q, kv_head));
      const std::vector<double> query = turned(problem, q, head);
      const int64_t first = s.window ? std::max<int64_t>(0, q - s.window + 1) : 0;
      double sum = 0;
      double* row = &out[static_cast<size_t>(q * s.out_size() + head * s.head_dim)];
      for (int64_t p = first; p <= q; ++p) {
        double score = 0;
        for (int i = 0; i < s.head_dim; ++i) score += query[i] * seen[p].key[i];
        // ALiBi's slopes raise scores without bound; against the last position's they do not.
        const auto bias = [&](int64_t at) {
          return s.bias ? double{problem.bias[head * kMostTokens + at]} : 0.0;
        };
        const double weight = std::exp(score * problem.spec.scale + bias(p) - bias(q));
        for (int i = 0; i < s.head_dim; ++i) row[i] += weight * seen[p].value[i];
        sum += weight;
      }
      for (int i = 0; i < s.head_dim; ++i) row[i] /= sum;
    }
  }
  return out;
}

std::vector<double> plain_attention(const Problem& problem) {
  return plain_attention(
      problem, [&](int64_t position, int kv_head) { return exact(problem, position, kv_head); });
}

// Where a row's arithmetic is chosen: prompts may have their own.
struct Path {
  Isa isa;
  Phase phase;
};

std::vector<Path> paths() {
  std::vector<Path> all;
  for (const Isa isa : supported_isas()) {
    all.push_back({isa, Phase::kDecode});
    if (prompt_kernels_for(isa)) all.push_back({isa, Phase::kPrefill});
  }
  return all;
}

std::string path_name(const Path& path) {
  return std::string(isa_name(path.isa)) + (path.phase == Phase::kPrefill ? "_prompt" : "");
}

// Runs sequences through one CpuAttention.
class Runner {
 public:
  Runner(const Path& path, int n_threads)
      : phase_(path.phase), pool_(n_threads), attention_(pool_, path.isa, arena_, true) {}

  struct Part {
    const Problem* problem;
    SequenceState* state;
    int64_t count;  // tokens that the step takes
    float* out;     // [count, n_heads * head_dim]
  };

  // One ragged step.
  void step(std::span<const Part> parts) {
    const Shape& shape = parts.front().problem->shape;
    std::vector<int64_t> positions;
    std::vector<Segment> segments;
    std::vector<float> rows;
    for (const Part& part : parts) {
      const int64_t begin = part.state->n_tokens();
      ASSERT_TRUE(part.state->reserve(part.count).ok());
      segments.push_back({part.state, static_cast<int64_t>(positions.size()), part.count,
                          begin + part.count, phase_});
      for (int64_t i = 0; i < part.count; ++i) positions.push_back(begin + i);
      const auto from = part.problem->rows.begin() + begin * shape.row_size();
      rows.insert(rows.end(), from, from + part.count * shape.row_size());
    }
    const int64_t n = static_cast<int64_t>(positions.size());
    const std::vector<int32_t> ids(positions.size());
    const Batch batch = {ids, positions, segments, {}};
    std::vector<float> out(static_cast<size_t>(n * shape.out_size()));
    arena_.reset();
    attention_.begin(batch);
    attention_.run({rows.data(), n, shape.row_size(), shape.row_size()},
                   parts.front().problem->spec, kLayer,
                   {out.data(), n, shape.out_size(), shape.out_size()});
    const float* from = out.data();
    for (const Part& part : parts) {
      const int64_t size = part.count * shape.out_size();
      std::memcpy(part.out, from, static_cast<size_t>(size) * sizeof(float));
      from += size;
      part.state->commit(part.count);
    }
  }

  static std::unique_ptr<StatePool> make_pool(const Shape& s) {
    const KvShape shape = {2, s.n_kv_heads, s.head_dim, s.type};
    return std::make_unique<StatePool>(shape, 200);
  }

  // The whole problem in steps of `chunk` tokens.
  std::vector<float> run(const Problem& problem, int64_t chunk) {
    const auto pages = make_pool(problem.shape);
    SequenceState state(*pages);
    return run_in(problem, chunk, state);
  }
  std::vector<float> run_in(const Problem& problem, int64_t chunk, SequenceState& state) {
    std::vector<float> out(static_cast<size_t>(problem.n_tokens * problem.shape.out_size()));
    while (state.n_tokens() < problem.n_tokens) {
      const int64_t count = std::min(chunk, problem.n_tokens - state.n_tokens());
      const Part part = {&problem, &state, count,
                         &out[static_cast<size_t>(state.n_tokens() * problem.shape.out_size())]};
      step({&part, 1});
    }
    return out;
  }

 private:
  Phase phase_;
  ThreadPool pool_;
  Arena arena_;
  CpuAttention attention_;
};

void expect_near(const std::vector<float>& got, const std::vector<double>& want, KvType type,
                 const Path& path) {
  ASSERT_EQ(got.size(), want.size());
  // Scores are sums of head_dim products of normal numbers, of size 1; f16 rounds keys by 2^-11.
  // On a matrix unit queries, weights and values are bf16 too: roundings by 2^-9 of values up
  // to 4.5. Against what its pages hold, 8 bits lose but the query's 2^-16 of its largest element.
  const double bound = type == KvType::kF32            ? 1e-5
                       : path.phase == Phase::kPrefill ? 2.5e-2
                       : type == KvType::kQ8_0         ? 5e-4
                                                       : 6e-3;
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], bound) << i;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(a[i]), std::bit_cast<uint32_t>(b[i])) << i;
  }
}

class CpuAttentionTest : public testing::TestWithParam<Path> {};

TEST_P(CpuAttentionTest, MatchesPlainAttentionForEveryKindOfHead) {
  const int heads[][2] = {{1, 1}, {2, 2}, {4, 2}, {3, 1}, {8, 2}, {5, 1}, {16, 2}, {71, 1}};
  Runner runner(GetParam(), 2);
  for (const auto& [n_heads, n_kv_heads] : heads) {
    for (const int head_dim : {8, 16, 24, 64, 80, 96, 128, 256}) {
      for (const KvType type : {KvType::kF32, KvType::kF16}) {
        const Problem problem({n_heads, n_kv_heads, head_dim, type, head_dim}, 37);
        SCOPED_TRACE(problem.shape);
        expect_near(runner.run(problem, 37), plain_attention(problem), type, GetParam());
      }
    }
  }
}

TEST_P(CpuAttentionTest, MatchesPlainAttentionWithEveryFeature) {
  Runner runner(GetParam(), 2);
  for (const int n_turned : {0, 6, 20}) {
    for (const bool bias : {false, true}) {
      for (const int64_t window : {0, 1, 20, 33, 64}) {
        for (const KvType type : {KvType::kF32, KvType::kF16}) {
          const Problem problem({6, 2, 20, type, n_turned, bias, window}, 101);
          SCOPED_TRACE(problem.shape);
          expect_near(runner.run(problem, 101), plain_attention(problem), type, GetParam());
        }
      }
    }
  }
}

// `problem` of kQ8_0: attention is that of the numbers in the pages, which are near the true ones.
void expect_q8(Runner& runner, const Problem& problem, const Path& path) {
  SCOPED_TRACE(problem.shape);
  const auto pages = Runner::make_pool(problem.shape);
  SequenceState state(*pages);
  const std::vector<float> got = runner.run_in(problem, problem.n_tokens, state);
  const auto memory = [&](int64_t position, int kv_head) { return held(state, position, kv_head); };
  expect_near(got, plain_attention(problem, memory), KvType::kQ8_0, path);
  const auto expect_rounded = [](const std::vector<double>& stored, const std::vector<double>& x) {
    for (size_t block = 0; block < x.size(); block += Q8Head::kBlock) {
      const size_t end = std::min<size_t>(block + Q8Head::kBlock, x.size());
      double top = 0;
      for (size_t i = block; i < end; ++i) top = std::max(top, std::abs(x[i]));
      // Half a step, and what f16 takes from 127 steps: 127 * 2^-11.
      for (size_t i = block; i < end; ++i) ASSERT_NEAR(stored[i], x[i], 0.563 * top / 127) << i;
    }
  };
  for (int64_t p = 0; p < problem.n_tokens; ++p) {
    for (int head = 0; head < problem.shape.n_kv_heads; ++head) {
      const Held stored = held(state, p, head), x = exact(problem, p, head);
      expect_rounded(stored.key, x.key);
      expect_rounded(stored.value, x.value);
    }
  }
}

TEST_P(CpuAttentionTest, MatchesPlainAttentionOfWhat8BitPagesHold) {
  Runner runner(GetParam(), 2);
  const int heads[][2] = {{1, 1}, {4, 2}, {3, 1}, {6, 1}, {8, 1}, {13, 1}, {71, 1}};
  for (const auto& [n_heads, n_kv_heads] : heads) {
    for (const int head_dim : {8, 20, 32, 48, 64, 80, 96, 112, 128, 256}) {
      const Shape shape = {n_heads, n_kv_heads, head_dim, KvType::kQ8_0, head_dim};
      expect_q8(runner, Problem(shape, 37), GetParam());
    }
  }
  for (const bool bias : {false, true}) {
    for (const int64_t window : {0, 1, 33, 64}) {
      expect_q8(runner, Problem({6, 2, 48, KvType::kQ8_0, 20, bias, window}, 101), GetParam());
    }
  }
  expect_q8(runner, Problem({2, 1, 64, KvType::kQ8_0, 64}, 1100), GetParam());
}

TEST_P(CpuAttentionTest, MatchesPlainAttentionOverSpans) {
  Runner runner(GetParam(), 2);
  for (const int64_t window : {0, 300, 600}) {
    const Problem problem({2, 1, 8, KvType::kF32, 8, false, window}, 1100);
    expect_near(runner.run(problem, 1100), plain_attention(problem), KvType::kF32, GetParam());
  }
}

TEST_P(CpuAttentionTest, ChunksAndThreadsChangeNoBit) {
  const Shape shapes[] = {
      {4, 2, 16, KvType::kF32, 16},          {3, 1, 64, KvType::kF16, 64},
      {9, 3, 20, KvType::kF32, 10, true},    {71, 1, 8, KvType::kF16, 8},
      {2, 2, 8, KvType::kF32, 8, false, 40}, {4, 2, 64, KvType::kQ8_0, 64, false, 60},
      {13, 1, 80, KvType::kQ8_0, 80},        {71, 1, 64, KvType::kQ8_0, 64, true},
  };
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape);
    const Problem problem(shape, shape.n_heads > 9 ? 67 : 150);
    const std::vector<float> whole = Runner(GetParam(), 1).run(problem, problem.n_tokens);
    for (const int n_threads : {1, 2, 5}) {
      Runner runner(GetParam(), n_threads);
      for (const int64_t chunk : {1, 7, 32, 50, 1000}) {
        SCOPED_TRACE(testing::Message() << n_threads << " threads, chunks of " << chunk);
        expect_same_bits(runner.run(problem, chunk), whole);
      }
    }
  }
}

TEST_P(CpuAttentionTest, SpansAreJoinedToTheSameBitsByAnyNumberOfThreads) {
  for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
    const Problem problem({3, 1, 8, type, 8}, 1090);
    const std::vector<float> whole = Runner(GetParam(), 1).run(problem, 1090);
    expect_same_bits(Runner(GetParam(), 3).run(problem, 1090), whole);
    expect_same_bits(Runner(GetParam(), 16).run(problem, 13), whole);
  }
}

TEST_P(CpuAttentionTest, NeighboursInARaggedBatchChangeNoBit) {
  for (const KvType type : kTypes) {
    const Shape shape = {4, 2, 16, type, 16};
    const Problem a(shape, 90, 1), b(shape, 61, 2), c(shape, 1, 3);
    Runner runner(GetParam(), 2);
    const auto pages = Runner::make_pool(shape);
    SequenceState state_a(*pages), state_b(*pages), state_c(*pages);
    std::vector<float> out_a(90 * 64), out_b(61 * 64), out_c(64);
    const Runner::Part first[] = {{&a, &state_a, 40, out_a.data()},
                                  {&b, &state_b, 33, out_b.data()}};
    runner.step(first);
    const Runner::Part second[] = {{&b, &state_b, 1, &out_b[33 * 64]},
                                   {&c, &state_c, 1, out_c.data()},
                                   {&a, &state_a, 50, &out_a[40 * 64]}};
    runner.step(second);
    const Runner::Part third[] = {{&b, &state_b, 27, &out_b[34 * 64]}};
    runner.step(third);
    expect_same_bits(out_a, Runner(GetParam(), 1).run(a, 90));
    expect_same_bits(out_b, Runner(GetParam(), 1).run(b, 61));
    expect_same_bits(out_c, Runner(GetParam(), 1).run(c, 1));
  }
}

TEST_P(CpuAttentionTest, ForksGoOnAsTheirParentWould) {
  for (const KvType type : kTypes) {
    const Shape shape = {4, 2, 16, type, 16};
    const Problem problem(shape, 80);
    Runner runner(GetParam(), 2);
    const std::vector<float> whole = runner.run(problem, 80);
    const auto pages = Runner::make_pool(shape);
    SequenceState parent(*pages);
    std::vector<float> head(45 * 64), tail(35 * 64);
    const Runner::Part first = {&problem, &parent, 45, head.data()};
    runner.step({&first, 1});
    SequenceState fork = parent.fork();
    for (SequenceState* state : {&fork, &parent}) {
      const Runner::Part rest = {&problem, state, 35, tail.data()};
      runner.step({&rest, 1});
      expect_same_bits(tail, {whole.begin() + 45 * 64, whole.end()});
    }
  }
}

// Drafts that are refused are cut off, and what comes in their place is written over them.
TEST_P(CpuAttentionTest, TokensWrittenOverOthersAreAsIfAlone) {
  for (const KvType type : kTypes) {
    const Shape shape = {4, 2, 48, type, 16};
    const Problem problem(shape, 80), other(shape, 80, 2);
    Runner runner(GetParam(), 2);
    const auto pages = Runner::make_pool(shape);
    SequenceState state(*pages);
    runner.run_in(other, 80, state);
    state.truncate(0);
    Problem begun(shape, 41);
    const std::vector<float> first = runner.run_in(begun, 41, state);
    std::vector<float> out(39 * 192);
    const Runner::Part refused = {&other, &state, 7, out.data()};
    runner.step({&refused, 1});
    state.truncate(41);
    const Runner::Part rest = {&problem, &state, 39, out.data()};
    runner.step({&rest, 1});
    const std::vector<float> whole = Runner(GetParam(), 1).run(problem, 80);
    expect_same_bits(first, {whole.begin(), whole.begin() + 41 * 192});
    expect_same_bits(out, {whole.begin() + 41 * 192, whole.end()});
  }
}

TEST_P(CpuAttentionTest, PagesThatHeldAnotherSequencesNansAreClean) {
  for (const KvType type : kTypes) {
    const Shape shape = {4, 2, 16, type, 16};
    const Problem problem(shape, 50);
    Problem poison(shape, 96);
    for (float& value : poison.rows) value = std::numeric_limits<float>::quiet_NaN();
    Runner runner(GetParam(), 2);
    const std::vector<float> clean = runner.run(problem, 50);
    const auto pages = Runner::make_pool(shape);
    {
      SequenceState state(*pages);
      runner.run_in(poison, 96, state);
    }
    SequenceState state(*pages);
    expect_same_bits(runner.run_in(problem, 13, state), clean);
  }
}

TEST_P(CpuAttentionTest, ARowThatIsNotANumberReachesOnlyThoseThatSeeIt) {
  for (const int64_t window : {0, 40}) {
    for (const KvType type : kTypes) {
      const Shape shape = {4, 2, 32, type, 16, false, window};
      SCOPED_TRACE(shape);
      constexpr int64_t kTokens = 200, kBad = 135;
      Problem problem(shape, kTokens);
      Runner runner(GetParam(), 2);
      const std::vector<float> clean = runner.run(problem, kTokens);
      for (int64_t i = 0; i < shape.row_size(); ++i) {
        problem.rows[static_cast<size_t>(kBad * shape.row_size() + i)] =
            std::numeric_limits<float>::quiet_NaN();
      }
      const std::vector<float> got = runner.run(problem, kTokens);
      for (size_t i = 0; i < got.size(); ++i) {
        const int64_t row = static_cast<int64_t>(i) / shape.out_size();
        const bool sees = row >= kBad && (window == 0 || row < kBad + window);
        ASSERT_EQ(std::isnan(got[i]), sees) << "row " << row;
        if (!sees) {
          ASSERT_EQ(got[i], clean[i]) << "row " << row;
        }
      }
    }
  }
}

// Scores that leave one key all of the weight, and sums that cancel: nothing overflows.
TEST_P(CpuAttentionTest, LargeScoresLeaveTheLargest) {
  for (const KvType type : kTypes) {
    const Shape shape = {2, 1, 64, type, 0};
    Problem problem(shape, 170);
    for (int64_t p = 0; p < problem.n_tokens; ++p) {
      float* row = &problem.rows[static_cast<size_t>(p * shape.row_size())];
      for (int i = 0; i < 3 * 64; ++i) row[i] = i % 2 ? -30.0f : 30.0f;
      // Each key's score is larger than the one before's, by 8 * 30 * 30 / sqrt(64).
      for (int i = 0; i < 64; ++i) row[128 + i] *= static_cast<float>(p % 130) / 8.0f;
      row[3 * 64] = static_cast<float>(p);
    }
    const std::vector<float> got = Runner(GetParam(), 2).run(problem, 170);
    for (int64_t p = 0; p < 170; ++p) {
      const double step = type == KvType::kQ8_0 ? 170.0 / 127 : 0.0;
      ASSERT_NEAR(got[static_cast<size_t>(p * 128)], p < 130 ? p : 129, 0.51 + step / 2) << p;
    }
  }
}

TEST_P(CpuAttentionTest, LargeValuesSaturateInF16) {
  const Shape shape = {1, 1, 8, KvType::kF16, 0};
  Problem problem(shape, 2);
  for (float& value : problem.rows) value = 1e6f;
  for (const float value : Runner(GetParam(), 1).run(problem, 2)) {
    EXPECT_NEAR(value, 65504.0f, GetParam().phase == Phase::kPrefill ? 32.0f : 0.0f);
  }
}

TEST_P(CpuAttentionTest, LargeValuesSaturateIn8Bits) {
  const Shape shape = {1, 1, 64, KvType::kQ8_0, 0};
  Problem problem(shape, 2);
  constexpr float kMost = 127.0f * 65504.0f;
  for (const float large : {1e6f, 1e9f, std::numeric_limits<float>::infinity()}) {
    std::fill(problem.rows.begin(), problem.rows.end(), large);
    // A query of infinities sees nothing but NaNs.
    for (size_t row = 0; row < 2; ++row) std::fill_n(&problem.rows[row * 192], 64, 1e-9f);
    for (const float value : Runner(GetParam(), 1).run(problem, 2)) {
      const float want = std::min(large, kMost);
      EXPECT_NEAR(value, want, want * 0x1p-8f);
    }
  }
}

// Too small for a scale in f16's normal numbers: what is left is exact to its smallest one.
TEST_P(CpuAttentionTest, SmallValuesLoseNoMoreIn8BitsThanInF16) {
  const Shape shape = {1, 1, 32, KvType::kQ8_0, 0};
  Problem problem(shape, 1);
  for (const float top : {0.0f, 1e-9f, 1e-6f, 1.1e-5f, 3e-5f, 1e-3f}) {
    for (int i = 0; i < 32; ++i) problem.rows[64 + i] = top * static_cast<float>(i) / 31.0f;
    const std::vector<float> got = Runner(GetParam(), 1).run(problem, 1);
    for (int i = 0; i < 32; ++i) {
      EXPECT_NEAR(got[i], problem.rows[64 + i], 0x1p-24f + 0.0085f * top) << top;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuAttentionTest, testing::ValuesIn(paths()),
                         [](const auto& info) { return path_name(info.param); });

}  // namespace
}  // namespace overtake
