// The layers of a decoder in float64, written as their papers have them: no batches, no caches, no
// tricks. What they give is the truth that float32 engines are measured against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <vector>

namespace overtake::reference {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;  // of a matrix, or of a text: one vector a token

inline double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// W x + b; an empty b is none.
inline Vector linear(const Rows& w, const Vector& b, const Vector& x) {
  Vector y(w.size());
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = dot(w[i].data(), x.data(), x.size()) + (b.empty() ? 0 : b[i]);
  }
  return y;
}

inline Vector operator+(Vector a, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline Vector operator*(Vector a, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}
inline Vector operator*(double factor, Vector x) {
  for (double& value : x) value *= factor;
  return x;
}
inline Vector map(Vector x, const std::function<double(double)>& f) {
  for (double& value : x) value = f(value);
  return x;
}

inline double silu(double x) { return x / (1 + std::exp(-x)); }
inline double gelu(double x) { return x * 0.5 * (1 + std::erf(x / std::numbers::sqrt2)); }
inline double softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

// Zhang and Sennrich 2019. An empty weight is all ones.
inline Vector rms_norm(const Vector& x, const Vector& weight, double epsilon) {
  const double n = static_cast<double>(x.size());
  const double scale = 1 / std::sqrt(dot(x.data(), x.data(), x.size()) / n + epsilon);
  Vector y = map(x, [&](double value) { return value * scale; });
  return weight.empty() ? y : y * weight;
}

// Ba, Kiros and Hinton 2016.
inline Vector layer_norm(const Vector& x, const Vector& weight, const Vector& bias,
                         double epsilon) {
  const double n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / n;
  for (const double value : x) variance += (value - mean) * (value - mean) / n;
  const double scale = 1 / std::sqrt(variance + epsilon);
  return map(x, [&](double value) { return (value - mean) * scale; }) * weight + bias;
}

// Su et al. 2021, with dimensions j and j + n/2 turning together.
inline void turn(double* head, size_t n, double position, const Vector& frequencies,
                 double magnitude) {
  for (size_t j = 0; j < n / 2; ++j) {
    const double c = std::cos(position * frequencies[j]) * magnitude;
    const double s = std::sin(position * frequencies[j]) * magnitude;
    const double a = head[j], b = head[j + n / 2];
    head[j] = a * c - b * s;
    head[j + n / 2] = b * c + a * s;
  }
}

struct Heads {
  size_t n, n_kv, dim;
  size_t window = 0;  // 0: all keys up to the query's own
  // What is added to the logit of a head for the key at a position (ALiBi).
  std::function<double(size_t head, size_t position)> bias = [](size_t, size_t) { return 0.0; };
};

// Vaswani et al. 2017, grouped as Ainslie et al. 2023: queries [n][heads * dim], keys and values
// [n][kv heads * dim].
inline Rows attention(const Rows& queries, const Rows& keys, const Rows& values,
                      const Heads& heads) {
  Rows out(queries.size(), Vector(heads.n * heads.dim));
  for (size_t i = 0; i < queries.size(); ++i) {
    const size_t first = heads.window && i + 1 > heads.window ? i + 1 - heads.window : 0;
    for (size_t h = 0; h < heads.n; ++h) {
      const size_t kv = h / (heads.n / heads.n_kv) * heads.dim;
      Vector weight(i + 1 - first);
      for (size_t j = first; j <= i; ++j) {
        weight[j - first] = dot(&queries[i][h * heads.dim], &keys[j][kv], heads.dim) /
                                std::sqrt(static_cast<double>(heads.dim)) +
                            heads.bias(h, j);
      }
      const double top = *std::max_element(weight.begin(), weight.end());
      double sum = 0;
      for (double& w : weight) sum += w = std::exp(w - top);
      for (size_t j = first; j <= i; ++j) {
        for (size_t d = 0; d < heads.dim; ++d) {
          out[i][h * heads.dim + d] += weight[j - first] / sum * values[j][kv + d];
        }
      }
    }
  }
  return out;
}

struct Selective {
  Rows a_log;   // [inner][state]
  Vector skip;  // [inner]: D
};

// Gu and Dao 2023: h = exp(dt A) h + dt B x, y = C h + D x, for each of the inner dimensions.
inline Rows selective_scan(const Rows& x, const Rows& dt, const Rows& b, const Rows& c,
                           const Selective& p) {
  Rows h(p.a_log.size(), Vector(p.a_log[0].size()));
  Rows y = x;
  for (size_t t = 0; t < x.size(); ++t) {
    for (size_t i = 0; i < h.size(); ++i) {
      y[t][i] = p.skip[i] * x[t][i];
      for (size_t s = 0; s < h[i].size(); ++s) {
        const double decay = std::exp(-std::exp(p.a_log[i][s]) * dt[t][i]);
        h[i][s] = decay * h[i][s] + dt[t][i] * b[t][s] * x[t][i];
        y[t][i] += h[i][s] * c[t][s];
      }
    }
  }
  return y;
}

// A convolution over time of each dimension alone, which sees no later token.
inline Rows causal_convolution(const Rows& x, const Rows& kernel, const Vector& bias) {
  Rows y = x;
  for (size_t t = 0; t < x.size(); ++t) {
    for (size_t i = 0; i < kernel.size(); ++i) {
      y[t][i] = bias.empty() ? 0 : bias[i];
      const size_t width = kernel[i].size();
      for (size_t k = 0; k < width; ++k) {
        const size_t back = width - 1 - k;
        if (back <= t) y[t][i] += kernel[i][k] * x[t - back][i];
      }
    }
  }
  return y;
}

}  // namespace overtake::reference
