// Causal convolution and selective scan of every instruction set against plain ones in double
// precision, and their invariances: a row's bits depend neither on how its sequence is cut nor on
// its neighbours nor on threads, and what is not a number stays in its sequence.
#include "tensor/cpu/cpu_recurrence.h"

#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "tensor/cpu/allocation_count_test.h"
#include "tensor/cpu/cpu_ops.h"

namespace overtake {
namespace {

// Numbers [rows, cols] that an Ops can be given: row i is the embedding of token i.
struct Matrix {
  Matrix(int64_t rows, int64_t cols, uint64_t seed, float deviation = 1) : cols(cols) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0, deviation);
    values.resize(static_cast<size_t>(rows * cols));
    for (float& value : values) value = normal(random);
    stored = {"matrix", find_quant_type("F32"), {rows, cols}, std::as_bytes(std::span(values))};
  }
  Matrix(const Matrix&) = delete;
  float* row(int64_t i) { return values.data() + i * cols; }
  double at(int64_t i, int64_t j) const { return values[static_cast<size_t>(i * cols + j)]; }

  int64_t cols;
  std::vector<float> values;
  StoredTensor stored;
};

struct Shape {
  int64_t n_heads, head_dim, n_groups, d_state;
  bool channel_decay = false;  // Mamba-1
  int64_t n_taps = 4;
  bool gate = true;
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
  return out << s.n_heads << " heads of " << s.head_dim << ", " << s.n_groups << " groups of "
             << s.d_state << (s.channel_decay ? " channel decay" : "") << (s.gate ? " gate" : "");
}

constexpr int64_t kMostTokens = 70;

struct Problem {
  explicit Problem(const Shape& s)
      : shape(s),
        x(kMostTokens, s.n_heads * s.head_dim, 1),
        dt(kMostTokens, s.channel_decay ? s.head_dim : s.n_heads, 2, 2),
        b(kMostTokens, s.n_groups * s.d_state, 3),
        c(kMostTokens, s.n_groups * s.d_state, 4),
        gate(kMostTokens, s.n_heads * s.head_dim, 5),
        decay(s.channel_decay ? s.head_dim : s.n_heads, s.channel_decay ? s.d_state : 1, 6),
        taps(s.n_taps, x.cols, 7) {
    for (float& a : decay.values) a = -std::exp(a);
    scan.n_heads = s.n_heads;
    scan.head_dim = s.head_dim;
    scan.n_groups = s.n_groups;
    scan.d_state = s.d_state;
    if (s.channel_decay) {
      scan.channel_decay = in_channel_blocks(decay.values, s.d_state);
    } else {
      scan.head_decay = decay.values;
    }
    scan.step_bias = Matrix(1, dt.cols, 8).values;
    scan.skip = Matrix(1, x.cols, 9).values;
    scan.step_low = 0.01f;
    scan.step_high = 3.0f;
    conv.n_taps = s.n_taps;
    conv.weight = taps.values;
    conv.bias = Matrix(1, x.cols, 10).values;
  }

  RecurrentShape state_shape() const {
    return {.n_layers = 2,
            .conv_rows = shape.n_taps - 1,
            .conv_channels = x.cols,
            .n_blocks = channel_blocks(shape.n_heads, shape.head_dim),
            .d_state = shape.d_state};
  }

  Shape shape;
  Matrix x, dt, b, c, gate, decay, taps;
  SelectiveScan scan;
  CausalConv conv;
};

double silu_of(double x) { return x / (1 + std::exp(-x)); }

// Rows [0, n) of the convolution.
std::vector<double> plain_conv(const Problem& p, int64_t n) {
  std::vector<double> out;
  for (int64_t t = 0; t < n; ++t) {
    for (int64_t c = 0; c < p.x.cols; ++c) {
      double sum = p.conv.bias[static_cast<size_t>(c)];
      for (int64_t k = 0; k < p.shape.n_taps; ++k) {
        const int64_t from = t - p.shape.n_taps + 1 + k;
        if (from >= 0) sum += p.taps.at(k, c) * p.x.at(from, c);
      }
      out.push_back(silu_of(sum));
    }
  }
  return out;
}

// Rows [0, n) of the scan, as SelectiveScan defines it.
std::vector<double> plain_scan(const Problem& p, int64_t n) {
  const Shape& s = p.shape;
  std::vector<double> state(static_cast<size_t>(p.x.cols * s.d_state)), out;
  for (int64_t t = 0; t < n; ++t) {
    for (int64_t c = 0; c < p.x.cols; ++c) {
      const int64_t head = c / s.head_dim, group = head / (s.n_heads / s.n_groups);
      const int64_t of_dt = s.channel_decay ? c : head;
      const double raw = p.dt.at(t, of_dt) + p.scan.step_bias[static_cast<size_t>(of_dt)];
      const double step =
          std::clamp<double>(std::log1p(std::exp(raw)), p.scan.step_low, p.scan.step_high);
      double y = p.scan.skip[static_cast<size_t>(c)] * p.x.at(t, c);
      for (int64_t i = 0; i < s.d_state; ++i) {
        double& h = state[static_cast<size_t>(c * s.d_state + i)];
        const double a = p.decay.at(of_dt, s.channel_decay ? i : 0);
        h = std::exp(step * a) * h + step * p.x.at(t, c) * p.b.at(t, group * s.d_state + i);
        y += h * p.c.at(t, group * s.d_state + i);
      }
      out.push_back(s.gate ? y * silu_of(p.gate.at(t, c)) : y);
    }
  }
  return out;
}

struct Outputs {
  std::vector<float> conv, scan;
  bool operator==(const Outputs& other) const = default;
};

class CpuRecurrenceTest : public testing::TestWithParam<Isa> {
 protected:
  struct Part {
    SequenceState* state;
    int64_t first;  // row of the problem
    int64_t n_rows;
    Outputs* out;
  };

  explicit CpuRecurrenceTest(int n_threads = 2)
      : pool_(n_threads),
        backend_(make_cpu_backend(pool_, GetParam())),
        ops_(backend_->make_ops()) {}

  // One step over all parts, in layer 1.
  void step(Problem& p, const std::vector<Part>& parts) {
    std::vector<int32_t> ids;
    std::vector<int64_t> positions;
    std::vector<Segment> segments;
    for (const Part& part : parts) {
      ASSERT_TRUE(part.state->reserve(part.n_rows).ok());
      segments.push_back({part.state, static_cast<int64_t>(ids.size()), part.n_rows, 0});
      for (int64_t i = 0; i < part.n_rows; ++i) {
        ids.push_back(static_cast<int32_t>(part.first + i));
        positions.push_back(part.state->n_tokens() + i);
      }
    }
    const Batch batch = {ids, positions, segments, {}};
    ops_->begin(batch);
    const auto rows = [&](const Matrix& matrix) { return ops_->embed(matrix.stored, 1); };
    const Tensor conv = ops_->causal_conv(rows(p.x), p.conv, 1);
    const ScanInput input = {.x = rows(p.x),
                             .dt = rows(p.dt),
                             .b = rows(p.b),
                             .c = rows(p.c),
                             .gate = p.shape.gate ? rows(p.gate) : Tensor{}};
    const Tensor scan = ops_->selective_scan(input, p.scan, 1);
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i].state->commit(parts[i].n_rows);
      for (int64_t r = 0; r < parts[i].n_rows; ++r) {
        const int64_t row = segments[i].first_row + r;
        parts[i].out->conv.insert(parts[i].out->conv.end(), conv.row(row),
                                  conv.row(row) + conv.cols);
        parts[i].out->scan.insert(parts[i].out->scan.end(), scan.row(row),
                                  scan.row(row) + scan.cols);
      }
    }
  }

  // Rows [first, first + n) as one sequence, `chunk` a step.
  Outputs run(Problem& p, int64_t first, int64_t n, int64_t chunk) {
    StatePool pool({}, 0, p.state_shape(), 1);
    SequenceState state(pool);
    Outputs out;
    for (int64_t done = 0; done < n; done += chunk) {
      step(p, {{&state, first + done, std::min(chunk, n - done), &out}});
    }
    return out;
  }

  ThreadPool pool_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Ops> ops_;
};

const Shape kShapes[] = {{1, 128, 1, 16, true},
                         {1, 37, 1, 5, true, 2},
                         {1, 16, 1, 1, true, 1},
                         {1, 5, 1, 8, true, 4, false},
                         {6, 16, 1, 8},
                         {10, 12, 5, 33, false, 2},
                         {4, 64, 2, 128},
                         {3, 40, 3, 7, false, 16, false},
                         {2, 1, 1, 2}};

// Rounding errors of h_t = a h + u are damped by a < 1 and add up like a random walk: over the
// d_state products of a row and the tokens that a state remembers they stay below a few hundred
// units of the last place of the largest number.
void expect_near(const std::vector<float>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  double largest = 1, worst = 0;
  for (const double value : want) largest = std::max(largest, std::fabs(value));
  for (size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::fabs(got[i] - want[i]));
  EXPECT_LE(worst, largest * 256 * std::numeric_limits<float>::epsilon() / 2);
}

TEST_P(CpuRecurrenceTest, MatchesDouble) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape);
    Problem problem(shape);
    const Outputs out = run(problem, 0, kMostTokens, kMostTokens);
    expect_near(out.conv, plain_conv(problem, kMostTokens));
    expect_near(out.scan, plain_scan(problem, kMostTokens));
  }
}

TEST_P(CpuRecurrenceTest, GivesTheSameBitsInChunksOfAnySize) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape);
    Problem problem(shape);
    const Outputs whole = run(problem, 0, kMostTokens, kMostTokens);
    for (const int64_t chunk : {1, 2, 3, 7, 31, 32, 33}) {
      EXPECT_EQ(run(problem, 0, kMostTokens, chunk), whole) << "chunks of " << chunk;
    }
  }
}

TEST_P(CpuRecurrenceTest, GivesTheSameBitsBesideOthers) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape);
    Problem problem(shape);
    StatePool pool({}, 0, problem.state_shape(), 3);
    SequenceState a(pool), b(pool), c(pool);
    Outputs of_a, of_b, of_c;
    step(problem, {{&a, 0, 20, &of_a}, {&b, 11, 1, &of_b}});
    step(problem, {{&c, 5, 33, &of_c}, {&b, 12, 2, &of_b}, {&a, 20, 1, &of_a}});
    step(problem, {{&a, 21, 4, &of_a}, {&b, 14, 30, &of_b}});
    EXPECT_EQ(of_a, run(problem, 0, 25, 25));
    EXPECT_EQ(of_b, run(problem, 11, 33, 33));
    EXPECT_EQ(of_c, run(problem, 5, 33, 33));
  }
}

TEST_P(CpuRecurrenceTest, GoesOnFromACheckpoint) {
  Problem problem(kShapes[0]);
  const Outputs whole = run(problem, 0, 60, 60);
  StatePool pool({}, 0, problem.state_shape(), 2);
  SequenceState state(pool);
  Outputs first, other, second;
  step(problem, {{&state, 0, 32, &first}});
  ASSERT_TRUE(state.checkpoint().ok());
  step(problem, {{&state, 3, 20, &other}});
  state.truncate(32);
  step(problem, {{&state, 32, 28, &second}});
  first.conv.insert(first.conv.end(), second.conv.begin(), second.conv.end());
  first.scan.insert(first.scan.end(), second.scan.begin(), second.scan.end());
  EXPECT_EQ(first, whole);
}

TEST_P(CpuRecurrenceTest, StepsOfASizeSeenBeforeAllocateNothing) {
  for (const Shape& shape : {kShapes[0], kShapes[4]}) {
    Problem problem(shape);
    StatePool pool({}, 0, problem.state_shape(), 1);
    SequenceState state(pool);
    const std::vector<int32_t> ids(40);
    const std::vector<int64_t> positions(40);
    const auto allocated_by = [&](int64_t n_rows) {
      EXPECT_TRUE(state.reserve(n_rows).ok());
      const Segment segment{&state, 0, n_rows, 0};
      const auto n = static_cast<size_t>(n_rows);
      const Batch batch = {
          std::span(ids).first(n), std::span(positions).first(n), std::span(&segment, 1), {}};
      const int64_t before = allocation_count();
      ops_->begin(batch);
      const auto rows = [&](const Matrix& matrix) { return ops_->embed(matrix.stored, 1); };
      ops_->causal_conv(rows(problem.x), problem.conv, 1);
      const ScanInput input = {.x = rows(problem.x),
                               .dt = rows(problem.dt),
                               .b = rows(problem.b),
                               .c = rows(problem.c),
                               .gate = rows(problem.gate)};
      ops_->selective_scan(input, problem.scan, 1);
      const int64_t after = allocation_count();
      state.commit(n_rows);
      return after - before;
    };
    allocated_by(40);
    allocated_by(1);
    for (const int64_t n_rows : {1, 40, 7, 1}) EXPECT_EQ(allocated_by(n_rows), 0) << n_rows;
  }
}

// A sequence of NaN and infinity neither touches its neighbour nor the next holder of its memory.
TEST_P(CpuRecurrenceTest, WhatIsNotANumberStaysInItsSequence) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape);
    Problem problem(shape);
    const Outputs alone = run(problem, 0, 20, 20);
    for (Matrix* matrix : {&problem.x, &problem.dt, &problem.b}) {
      for (int64_t j = 0; j < matrix->cols; ++j) {
        matrix->row(40)[j] = std::numeric_limits<float>::quiet_NaN();
        matrix->row(41)[j] = std::numeric_limits<float>::infinity();
      }
    }
    StatePool pool({}, 0, problem.state_shape(), 2);
    SequenceState good(pool);
    Outputs of_good, of_bad;
    {
      SequenceState bad(pool);
      step(problem, {{&bad, 38, 6, &of_bad}, {&good, 0, 10, &of_good}});
      EXPECT_TRUE(std::isnan(of_bad.scan.back()));
      step(problem, {{&bad, 44, 1, &of_bad}, {&good, 10, 10, &of_good}});
      EXPECT_TRUE(std::isnan(of_bad.scan.back()));
    }
    EXPECT_EQ(of_good, alone);
    SequenceState next(pool);  // in the memory of the bad one
    Outputs of_next;
    step(problem, {{&next, 0, 20, &of_next}});
    EXPECT_EQ(of_next, alone);
  }
}

TEST_P(CpuRecurrenceTest, StepsAreTheClampedSoftplus) {
  const RecurrenceKernels& kernels = kernels_for(GetParam()).recurrence;
  std::vector<float> x;
  for (float value = -80; value <= 80; value += 0.0625f) x.push_back(value);
  std::vector<float> steps = x;
  const float infinity = std::numeric_limits<float>::infinity();
  kernels.steps(steps.data(), nullptr, 0, infinity, static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = x[i] > 30 ? x[i] : std::log1p(std::exp(double{x[i]}));
    EXPECT_NEAR(steps[i] / want, 1, 4 * std::numeric_limits<float>::epsilon()) << x[i];
  }
  float edges[] = {-infinity, infinity, std::nanf(""), -1000, 5};
  kernels.steps(edges, nullptr, 0.001f, 2, 5);
  EXPECT_EQ(edges[0], 0.001f);
  EXPECT_EQ(edges[1], 2);
  EXPECT_TRUE(std::isnan(edges[2]));
  EXPECT_EQ(edges[3], 0.001f);
  EXPECT_EQ(edges[4], 2);
}

TEST_P(CpuRecurrenceTest, GatedNormMatchesDouble) {
  constexpr int64_t kWidth = 60;
  const Matrix x(9, kWidth, 1), gate(9, kWidth, 2), weight(1, kWidth, 3);
  std::vector<int32_t> ids = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<int64_t> positions(9);
  for (const int64_t n_groups : {1, 3, 4}) {
    for (const bool before : {false, true}) {
      GatedNorm norm{.n_groups = n_groups, .norm_before_gate = before};
      norm.norm.weight = weight.values;
      const Batch batch = {ids, positions, {}, {}};
      ops_->begin(batch);
      const Tensor y =
          ops_->gated_norm(ops_->embed(x.stored, 1), ops_->embed(gate.stored, 1), norm);
      for (int64_t i = 0; i < 9; ++i) {
        for (int64_t j = 0; j < kWidth; ++j) {
          const int64_t group = kWidth / n_groups, first = j / group * group;
          const auto value = [&](int64_t k) {
            return before ? x.at(i, k) : x.at(i, k) * silu_of(gate.at(i, k));
          };
          double squares = 0;
          for (int64_t k = first; k < first + group; ++k) squares += value(k) * value(k);
          double want = value(j) * weight.at(0, j) /
                        std::sqrt(squares / static_cast<double>(group) + norm.norm.epsilon);
          if (before) want *= silu_of(gate.at(i, j));
          ASSERT_NEAR(y.row(i)[j], want, 1e-5 * std::max(1.0, std::fabs(want)));
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, CpuRecurrenceTest, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace overtake
