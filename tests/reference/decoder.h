// Whole decoders in float64, from a Hugging Face folder: Llama (Touvron et al. 2023), Falcon
// (Almazrouei et al. 2023), Falcon-Mamba (Zuo et al. 2024) and Falcon-H1 (Zuo et al. 2025). Written
// for the reader, from the papers and transformers' definitions, and sharing nothing with the
// program but the file reader.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>

#include "format/checkpoint.h"
#include "layers.h"
#include "rope.h"

namespace overtake::reference {

struct Outputs {
  std::vector<Rows> hidden;  // after the embedding, after each block; the last after the final norm
  Rows logits;
};

class Decoder {
 public:
  explicit Decoder(const Checkpoint& checkpoint) : file_(checkpoint) {}

  Outputs run(const std::vector<int32_t>& ids) const {
    const std::string type = file_.model_type();
    const bool falcon = type == "falcon";
    const std::string base = falcon                   ? "transformer."
                             : type == "falcon_mamba" ? "backbone."
                                                      : "model.";
    const std::string table = base + (falcon                   ? "word_embeddings"
                                      : type == "falcon_mamba" ? "embeddings"
                                                               : "embed_tokens");
    const Rows embedding = matrix(table + ".weight");
    Rows x;
    for (const int32_t id : ids) {
      x.push_back(number("embedding_multiplier", 1) * embedding[static_cast<size_t>(id)]);
    }
    Outputs out{{x}, {}};
    for (size_t l = 0; l < count("num_hidden_layers"); ++l) {
      const std::string at = base + (falcon ? "h." : "layers.") + std::to_string(l) + ".";
      if (falcon) {
        x = falcon_layer(x, at);
      } else {
        x = type == "falcon_mamba" ? mamba_layer(x, at)
            : type == "falcon_h1"  ? h1_layer(x, at)
                                   : llama_layer(x, at);
      }
      out.hidden.push_back(x);
    }
    const std::string last = falcon                   ? "ln_f"
                             : type == "falcon_mamba" ? "norm_f"
                             : type == "falcon_h1"    ? "final_layernorm"
                                                      : "norm";
    for (Vector& row : x) row = norm(row, base + last);
    out.hidden.back() = x;
    const bool untied = file_.find("lm_head.weight") != nullptr;
    const Rows head = untied ? matrix("lm_head.weight") : embedding;
    for (const Vector& row : x) {
      out.logits.push_back(number("lm_head_multiplier", 1) * linear(head, {}, row));
    }
    return out;
  }

 private:
  size_t count(std::string_view key) const {
    return static_cast<size_t>(file_.metadata().find_int(key).value().value_or(0));
  }
  double number(std::string_view key, double otherwise) const {
    return file_.metadata().find_double(key).value().value_or(otherwise);
  }
  bool flag(std::string_view key, bool otherwise = false) const {
    return file_.metadata().find_bool(key).value().value_or(otherwise);
  }
  Rows matrix(const std::string& name) const {
    const StoredTensor* tensor = file_.find(name);
    EXPECT_TRUE(tensor) << name;
    const std::vector<float> all = tensor->to_f32();
    const size_t n = static_cast<size_t>(tensor->shape[0]), width = all.size() / n;
    Rows out;
    for (size_t i = 0; i < n; ++i) {
      out.emplace_back(all.begin() + static_cast<ptrdiff_t>(i * width),
                       all.begin() + static_cast<ptrdiff_t>((i + 1) * width));
    }
    return out;
  }
  Vector vector(const std::string& name) const {  // empty if absent
    const StoredTensor* tensor = file_.find(name);
    if (!tensor) return {};
    const std::vector<float> all = tensor->to_f32();
    return {all.begin(), all.end()};
  }
  Vector apply(const std::string& name, const Vector& x) const {
    return linear(matrix(name + ".weight"), vector(name + ".bias"), x);
  }
  Rows apply(const std::string& name, const Rows& x) const {
    const Rows w = matrix(name + ".weight");
    const Vector b = vector(name + ".bias");
    Rows y;
    for (const Vector& row : x) y.push_back(linear(w, b, row));
    return y;
  }
  Vector norm(const Vector& x, const std::string& name) const {
    const Vector weight = vector(name + ".weight"), bias = vector(name + ".bias");
    if (!bias.empty()) return layer_norm(x, weight, bias, number("layer_norm_epsilon", 1e-5));
    return rms_norm(x, weight, number("rms_norm_eps", number("layer_norm_epsilon", 1e-5)));
  }
  Rows norm(const Rows& x, const std::string& name) const {
    Rows y;
    for (const Vector& row : x) y.push_back(norm(row, name));
    return y;
  }

  Scaling scaling() const {
    const std::string at = "rope_parameters.";
    Scaling s;
    s.type = file_.metadata().find_string(at + "rope_type").value().value_or("default");
    s.theta = number(at + "rope_theta", 10000);
    s.factor = number(at + "factor", 1);
    s.context =
        number(at + "original_max_position_embeddings", number("max_position_embeddings", 2048));
    s.low = number(at + "low_freq_factor", 1), s.high = number(at + "high_freq_factor", 4);
    s.fast = number(at + "beta_fast", 32), s.slow = number(at + "beta_slow", 1);
    s.attention_factor = number(at + "attention_factor", 0);
    s.truncate = flag(at + "truncate", true);
    return s;
  }
  void turn_heads(Rows& x, size_t dim) const {
    const Scaling s = scaling();
    const Vector f = frequencies(dim, static_cast<double>(x.size()), s);
    for (size_t t = 0; t < x.size(); ++t) {
      for (size_t at = 0; at < x[t].size(); at += dim) {
        turn(&x[t][at], dim, static_cast<double>(t), f, magnitude(s));
      }
    }
  }

  Rows llama_layer(Rows x, const std::string& at) const {
    Heads heads{count("num_attention_heads"), count("num_key_value_heads"), count("head_dim"),
                count("sliding_window")};
    if (heads.dim == 0) heads.dim = count("hidden_size") / heads.n;
    const Rows a = norm(x, at + "input_layernorm");
    Rows q = apply(at + "self_attn.q_proj", a), k = apply(at + "self_attn.k_proj", a);
    turn_heads(q, heads.dim), turn_heads(k, heads.dim);
    const Rows mixed = attention(q, k, apply(at + "self_attn.v_proj", a), heads);
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + apply(at + "self_attn.o_proj", mixed[t]);
      const Vector m = norm(x[t], at + "post_attention_layernorm");
      const Vector gated = map(apply(at + "mlp.gate_proj", m), silu) * apply(at + "mlp.up_proj", m);
      x[t] = x[t] + apply(at + "mlp.down_proj", gated);
    }
    return x;
  }

  // Press, Smith and Lewis 2022; for a number of heads that is no power of two, the slopes of the
  // next smaller one and every other of the next larger. transformers rounds slope and product to
  // bfloat16, and since 4.45 adds the bias twice.
  double alibi(size_t head, size_t n_heads, size_t dim, size_t position) const {
    const auto to_bf16 = [](double x) {
      const auto bits = std::bit_cast<uint32_t>(static_cast<float>(x));
      return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
    };
    const double lower = static_cast<double>(std::bit_floor(n_heads));
    const double h = static_cast<double>(head);
    const double slope =
        h < lower ? std::exp2(-8 * (h + 1) / lower) : std::exp2(-4 * (2 * (h - lower) + 1) / lower);
    const double bias = to_bf16(to_bf16(slope) * static_cast<double>(position));
    return 2 * bias / std::sqrt(static_cast<double>(dim));
  }

  // query_key_value's rows: for each kv head its queries, its key, its value.
  Rows falcon_layer(Rows x, const std::string& at) const {
    const bool grouped = flag("new_decoder_architecture");
    Heads heads{count("num_attention_heads"), 1, 0};
    heads.dim = count("hidden_size") / heads.n;
    if (grouped) heads.n_kv = count("num_kv_heads");
    if (!grouped && !flag("multi_query", true)) heads.n_kv = heads.n;
    const bool two = file_.find(at + "ln_attn.weight") != nullptr;
    const Rows a = norm(x, at + (two ? "ln_attn" : "input_layernorm"));
    const size_t group = heads.n / heads.n_kv * heads.dim;
    Rows q, k, v;
    for (const Vector& fused : apply(at + "self_attention.query_key_value", a)) {
      q.emplace_back(), k.emplace_back(), v.emplace_back();
      const double* from = fused.data();
      for (size_t g = 0; g < heads.n_kv; ++g, from += group + 2 * heads.dim) {
        q.back().insert(q.back().end(), from, from + group);
        k.back().insert(k.back().end(), from + group, from + group + heads.dim);
        v.back().insert(v.back().end(), from + group + heads.dim, from + group + 2 * heads.dim);
      }
    }
    if (flag("alibi")) {
      heads.bias = [&](size_t h, size_t p) { return alibi(h, heads.n, heads.dim, p); };
    } else {
      turn_heads(q, heads.dim), turn_heads(k, heads.dim);
    }
    const Rows mixed = apply(at + "self_attention.dense", attention(q, k, v, heads));
    const auto mlp = [&](const Vector& m) {
      return apply(at + "mlp.dense_4h_to_h", map(apply(at + "mlp.dense_h_to_4h", m), gelu));
    };
    for (size_t t = 0; t < x.size(); ++t) {
      if (grouped || flag("parallel_attn", true)) {
        x[t] = x[t] + mixed[t] + mlp(two ? norm(x[t], at + "ln_mlp") : a[t]);
      } else {
        x[t] = x[t] + mixed[t];
        x[t] = x[t] + mlp(norm(x[t], at + "post_attention_layernorm"));
      }
    }
    return x;
  }

  Rows mamba_layer(Rows x, const std::string& at) const {
    const std::string in = at + "mixer.";
    const Selective p{matrix(in + "A_log"), vector(in + "D")};
    const size_t inner = p.skip.size(), state = p.a_log[0].size();
    Rows u, z;
    for (const Vector& both : apply(in + "in_proj", norm(x, at + "norm"))) {
      u.emplace_back(both.begin(), both.begin() + static_cast<ptrdiff_t>(inner));
      z.emplace_back(both.begin() + static_cast<ptrdiff_t>(inner), both.end());
    }
    u = causal_convolution(u, matrix(in + "conv1d.weight"), vector(in + "conv1d.bias"));
    for (Vector& row : u) row = map(row, silu);
    const double epsilon = number("mixer_rms_eps", 1e-6);
    Rows dt, b, c;
    for (const Vector& all : apply(in + "x_proj", u)) {
      const auto rest = all.end() - static_cast<ptrdiff_t>(2 * state);
      const auto half = rest + static_cast<ptrdiff_t>(state);
      const Vector step = rms_norm(Vector(all.begin(), rest), {}, epsilon);
      dt.push_back(map(apply(in + "dt_proj", step), softplus));
      b.push_back(rms_norm(Vector(rest, half), {}, epsilon));
      c.push_back(rms_norm(Vector(half, all.end()), {}, epsilon));
    }
    const Rows y = selective_scan(u, dt, b, c, p);
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + apply(in + "out_proj", y[t] * map(z[t], silu));
    }
    return x;
  }

  // `i` of a list of numbers, or the number at KEY.I where the list holds an infinity.
  double element(const std::string& key, size_t i, double otherwise) const {
    const auto list = file_.metadata().find_doubles(key).value();
    return list ? list->at(i) : number(key + "." + std::to_string(i), otherwise);
  }

  // Columns [first, first + n) of each row.
  static Rows columns(const Rows& x, size_t first, size_t n) {
    Rows out;
    for (const Vector& row : x) {
      const auto from = row.begin() + static_cast<ptrdiff_t>(first);
      out.emplace_back(from, from + static_cast<ptrdiff_t>(n));
    }
    return out;
  }

  // Attention and Mamba-2's state space side by side, then a gated MLP.
  Rows h1_layer(Rows x, const std::string& at) const {
    const Rows a = norm(x, at + "input_layernorm");
    const Rows mixed = h1_attention(a, at + "self_attn."), y = h1_mixer(a, at + "mamba.");
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + number("ssm_out_multiplier", 1) * y[t];
      x[t] = x[t] + number("attention_out_multiplier", 1) * mixed[t];
      const std::string mlp = at + "feed_forward.";
      const Vector m = norm(x[t], at + "pre_ff_layernorm");
      const Vector gate = element("mlp_multipliers", 0, 1) * apply(mlp + "gate_proj", m);
      const Vector gated = map(gate, silu) * apply(mlp + "up_proj", m);
      x[t] = x[t] + element("mlp_multipliers", 1, 1) * apply(mlp + "down_proj", gated);
    }
    return x;
  }

  Rows h1_attention(Rows a, const std::string& in) const {
    Heads heads{count("num_attention_heads"), count("num_key_value_heads"), count("head_dim"), 0};
    if (heads.dim == 0) heads.dim = count("hidden_size") / heads.n;
    for (Vector& row : a) row = number("attention_in_multiplier", 1) * row;
    Rows q = apply(in + "q_proj", a), k = apply(in + "k_proj", a);
    for (Vector& row : k) row = number("key_multiplier", 1) * row;
    turn_heads(q, heads.dim), turn_heads(k, heads.dim);
    return apply(in + "o_proj", attention(q, k, apply(in + "v_proj", a), heads));
  }

  // Mamba-2 is Mamba with one decay and one time step for all channels of a head, and B and C for
  // each group of heads.
  Rows h1_mixer(Rows a, const std::string& in) const {
    const Vector a_log = vector(in + "A_log"), skip = vector(in + "D"),
                 bias = vector(in + "dt_bias");
    const size_t n_heads = a_log.size(), n_groups = count("mamba_n_groups");
    const size_t n = count("mamba_d_state"), states = n_groups * n;
    const size_t inner = matrix(in + "out_proj.weight")[0].size(), dim = inner / n_heads;
    for (Vector& row : a) row = number("ssm_in_multiplier", 1) * row;
    Rows all = apply(in + "in_proj", a);
    const size_t parts[] = {inner, inner, states, states, n_heads};  // gate, x, B, C, dt
    for (Vector& row : all) {
      for (size_t part = 0, i = 0; part < 5; ++part) {
        for (const size_t end = i + parts[part]; i < end; ++i) {
          row[i] *= element("ssm_multipliers", part, 1);
        }
      }
    }
    const Rows dt = columns(all, 2 * inner + 2 * states, n_heads);
    Rows u = causal_convolution(columns(all, inner, inner + 2 * states),
                                matrix(in + "conv1d.weight"), vector(in + "conv1d.bias"));
    for (Vector& row : u) row = map(row, silu);
    Rows y(u.size());
    const size_t width = inner / n_groups;
    for (size_t g = 0; g < n_groups; ++g) {
      Selective p;
      Rows step(u.size());
      for (size_t i = g * width; i < (g + 1) * width; ++i) {
        p.a_log.emplace_back(n, a_log[i / dim]);
        p.skip.push_back(skip[i / dim]);
        for (size_t t = 0; t < u.size(); ++t) {
          const double raw = softplus(dt[t][i / dim] + bias[i / dim]);
          step[t].push_back(std::clamp(raw, element("time_step_limit", 0, 0),
                                       element("time_step_limit", 1, HUGE_VAL)));
        }
      }
      const Rows part =
          selective_scan(columns(u, g * width, width), step, columns(u, inner + g * n, n),
                         columns(u, inner + states + g * n, n), p);
      for (size_t t = 0; t < u.size(); ++t) y[t].insert(y[t].end(), part[t].begin(), part[t].end());
    }
    return apply(in + "out_proj", h1_gate(y, columns(all, 0, inner), in));
  }

  Rows h1_gate(const Rows& y, const Rows& z, const std::string& in) const {
    const bool normed = flag("mamba_rms_norm"), before = flag("mamba_norm_before_gate", true);
    const Vector weight = vector(in + "norm.weight");
    const size_t n_groups = count("mamba_n_groups"), width = y[0].size() / n_groups;
    Rows out;
    for (size_t t = 0; t < y.size(); ++t) {
      const Vector gate = map(z[t], silu);
      Vector row = normed && before ? y[t] : y[t] * gate;
      for (size_t g = 0; normed && g < n_groups; ++g) {
        const auto from = static_cast<ptrdiff_t>(g * width),
                   to = from + static_cast<ptrdiff_t>(width);
        const Vector part =
            rms_norm({row.begin() + from, row.begin() + to},
                     {weight.begin() + from, weight.begin() + to}, number("rms_norm_eps", 1e-5));
        std::copy(part.begin(), part.end(), row.begin() + from);
      }
      out.push_back(normed && before ? row * gate : row);
    }
    return out;
  }

  const Checkpoint& file_;
};

}  // namespace overtake::reference
