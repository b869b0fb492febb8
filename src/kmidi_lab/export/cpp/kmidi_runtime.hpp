// kmidi_runtime.hpp: runs the networks of kmidi_lab; C++17, the standard library alone, one header.
//
// A network is a plan: a list of operations as whole numbers, and weights as floats. Both come from kmidi_lab,
// either as a header (<id>_runtime.h, nothing to load) or as a file (<id>.kmw). The plan is made from the same
// <id>.json that RTNeural reads, but keeps what that format has no words for: x + body(x), and which parts of a
// matrix are zero.
//
// process() and reset() allocate nothing, lock nothing, call no system function and throw nothing. Loading a file
// allocates; with KMIDI_NO_ALLOC defined that part is left out, and nothing in this header can allocate.
// With KMIDI_USE_EIGEN defined (and Eigen in the include path) Eigen multiplies the dense matrices.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef KMIDI_USE_EIGEN
#include <Eigen/Core>
#endif
#ifndef KMIDI_NO_ALLOC
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KMIDI_RESTRICT __restrict__
#else
#define KMIDI_RESTRICT __restrict
#endif

// Clang 20 and later check what bears this: -Wfunction-effects while compiling, -fsanitize=realtime while running.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::nonblocking)
#define KMIDI_NONBLOCKING [[clang::nonblocking]]
#endif
#endif
#ifndef KMIDI_NONBLOCKING
#define KMIDI_NONBLOCKING
#endif

namespace kmidi::rt
{
/** What runs, and its weights; a view, the owner must outlive it. */
struct Plan
{
    const std::int32_t* words;
    std::size_t word_count;
    const float* weights;
    std::size_t weight_count;
};

inline constexpr std::int32_t plan_version = 1;
inline constexpr std::int32_t largest_size = 1 << 24;

/** Places in a plan's first words; the operations follow. */
enum Head : std::size_t
{
    version,
    input_size,
    output_size,
    output_at,
    arena_size,
    op_count,
    head_words
};

/** An operation is its kind, how many words it has, and those words; "at", "from", "to" are places in the arena.

    dense       from, to, rows, columns, tile, weights
    blocks      the same, number of tiles, then for each tile: row count, its columns (-1 fills up), its rows
    history     from, to, state, size, taps, dilation
    norm        at, size, weights: scale, mean, beta
    prelu       at, size, weights
    activation  at, size, which Activation
    add, copy   from, to, size
    gru         input part, recurrent part, h, hidden
    lstm        input part, recurrent part, h, c, hidden */
enum class Op : std::int32_t
{
    dense = 1,
    blocks = 2,
    history = 3,
    norm = 4,
    prelu = 5,
    activation = 6,
    add = 7,
    gru = 8,
    lstm = 9,
    copy = 10
};

enum class Activation : std::int32_t
{
    tanh = 0,
    relu = 1,
    sigmoid = 2,
    softmax = 3,
    elu = 4
};

namespace detail
{
// Vectors as wide as the machine's. The compiler's own vector type keeps sums in registers, which it does not do
// for an array; other compilers get the array.
#if defined(__AVX512F__)
inline constexpr int lanes = 16;
#elif defined(__AVX__)
inline constexpr int lanes = 8;
#else
inline constexpr int lanes = 4;
#endif

#if (defined(__GNUC__) || defined(__clang__)) && !defined(KMIDI_NO_VECTOR_TYPES)
#define KMIDI_VECTOR_TYPES 1
template <int Width> struct Types;
template <> struct Types<1>
{
    using Floats = float;
    using Integers = std::int32_t;
};
template <> struct Types<4>
{
    typedef float Floats __attribute__((vector_size(16)));
    typedef std::int32_t Integers __attribute__((vector_size(16)));
};
#if defined(__AVX__)
template <> struct Types<8>
{
    typedef float Floats __attribute__((vector_size(32)));
    typedef std::int32_t Integers __attribute__((vector_size(32)));
};
#endif
#if defined(__AVX512F__)
template <> struct Types<16>
{
    typedef float Floats __attribute__((vector_size(64)));
    typedef std::int32_t Integers __attribute__((vector_size(64)));
};
#endif
template <int Width> using Vector = typename Types<Width>::Floats;
template <int Width> using Integers = typename Types<Width>::Integers;
#else
#define KMIDI_VECTOR_TYPES 0
template <int Width> struct Array
{
    float values[Width];
    Array& operator+=(const Array& other)
    {
        for(int i = 0; i < Width; ++i)
            values[i] += other.values[i];
        return *this;
    }
    friend Array operator*(float scale, Array v)
    {
        for(int i = 0; i < Width; ++i)
            v.values[i] *= scale;
        return v;
    }
};
template <int Width> using Vector = std::conditional_t<Width == 1, float, Array<Width>>;
template <int Width> using Integers = std::int32_t;
#endif

template <int Width> inline Vector<Width> load(const float* from)
{
    Vector<Width> v;
    std::memcpy(&v, from, sizeof(v)); // one unaligned load
    return v;
}

template <typename V> inline void store(float* to, const V& v)
{
    std::memcpy(to, &v, sizeof(v));
}

/** `to[Tile] = bias[Tile] + sum over r of x(r) * weights[r][Tile]`; bias stands before the weights. Two rows at a
   time into two sums, so that no addition waits for the one before it. */
template <int Tile, typename Value>
inline const float* multiplyTile(const float* KMIDI_RESTRICT weights, int rows, Value x, float* KMIDI_RESTRICT to)
{
    constexpr int width = Tile < lanes ? Tile : lanes, parts = Tile / width;
    Vector<width> even[parts], odd[parts] = { };
    for(int p = 0; p < parts; ++p)
        even[p] = load<width>(weights + p * width);
    weights += Tile;
    int row = 0;
    for(; row + 1 < rows; row += 2, weights += 2 * Tile)
    {
        const float first = x(row), second = x(row + 1);
        for(int p = 0; p < parts; ++p)
        {
            even[p] += first * load<width>(weights + p * width);
            odd[p] += second * load<width>(weights + Tile + p * width);
        }
    }
    if(row < rows)
    {
        const float last = x(row);
        for(int p = 0; p < parts; ++p)
            even[p] += last * load<width>(weights + p * width);
        weights += Tile;
    }
    for(int p = 0; p < parts; ++p)
    {
        even[p] += odd[p];
        store(to + p * width, even[p]);
    }
    return weights;
}

template <int Tile>
inline void dense(const float* KMIDI_RESTRICT x, float* KMIDI_RESTRICT to, int rows, int columns, const float* weights)
{
    for(int column = 0; column < columns; column += Tile, to += Tile)
    {
#ifdef KMIDI_USE_EIGEN
        using Column = Eigen::Matrix<float, Tile, 1>;
        const Eigen::Map<const Eigen::Matrix<float, Tile, Eigen::Dynamic>> matrix(weights + Tile, Tile, rows);
        Eigen::Map<Column> sums(to);
        sums = Eigen::Map<const Column>(weights);
        sums.noalias() += matrix * Eigen::Map<const Eigen::VectorXf>(x, rows);
        weights += static_cast<std::ptrdiff_t>(Tile) * (rows + 1);
#else
        weights = multiplyTile<Tile>(weights, rows, [x](int row) { return x[row]; }, to);
#endif
    }
}

template <int Tile>
inline void blocks(const float* KMIDI_RESTRICT x, float* KMIDI_RESTRICT to, int tiles, const std::int32_t* table,
    const float* weights)
{
    float sums[Tile];
    for(int tile = 0; tile < tiles; ++tile)
    {
        const std::int32_t rows = table[0];
        const std::int32_t* const columns = table + 1;
        const std::int32_t* const which = columns + Tile;
        weights = multiplyTile<Tile>(weights, rows, [x, which](int row) { return x[which[row]]; }, sums);
        for(int column = 0; column < Tile; ++column)
            if(columns[column] >= 0)
                to[columns[column]] = sums[column];
        table = which + rows;
    }
}

/** Calls `work(width, i)` for all of 0 ... size - 1, as many at once as the machine has lanes, the rest in fewer. */
template <int Width = KMIDI_VECTOR_TYPES ? lanes : 1, typename Work>
inline void each(int size, Work work, int from = 0)
{
    for(; from + Width <= size; from += Width)
        work(std::integral_constant<int, Width>(), from);
    if constexpr(Width > 1)
        each<Width == 4 ? 1 : Width / 2>(size, work, from);
}

/** e^x to about 1e-7 relative; NaN for NaN. The polynomials here and in tanh are those of Moshier's Cephes library. */
template <int Width> inline Vector<Width> exponential(Vector<Width> x)
{
    using V = Vector<Width>;
    const V low = V { } - 87.0f, high = V { } + 88.0f, half = V { } + 0.5f;
    const V above = x > low ? x : low, inside = above < high ? above : high;
    const V scaled = inside * 1.44269504f, nearest = scaled + (scaled < 0.0f ? -half : half);
#if KMIDI_VECTOR_TYPES
    Integers<Width> power;
    V whole;
    if constexpr(Width == 1)
    {
        power = static_cast<std::int32_t>(nearest);
        whole = static_cast<float>(power);
    }
    else
    {
        power = __builtin_convertvector(nearest, Integers<Width>);
        whole = __builtin_convertvector(power, V);
    }
#else
    const auto power = static_cast<std::int32_t>(nearest);
    const auto whole = static_cast<float>(power);
#endif
    const V r = (inside - whole * 0.693359375f) + whole * 2.12194440e-4f;
    V sum = V { } + 1.9875691500e-4f;
    sum = sum * r + 1.3981999507e-3f;
    sum = sum * r + 8.3334519073e-3f;
    sum = sum * r + 4.1665795894e-2f;
    sum = sum * r + 1.6666665459e-1f;
    sum = sum * r + 5.0000001201e-1f;
    sum = sum * r * r + r + 1.0f;
    const Integers<Width> bits = (power + 127) << 23;
    V two;
    std::memcpy(&two, &bits, sizeof(two));
    const V value = sum * two;
    return x == x ? value : x;
}

template <int Width> inline Vector<Width> sigmoid(Vector<Width> x)
{
    return 1.0f / (1.0f + exponential<Width>(-x));
}

template <int Width> inline Vector<Width> tanh(Vector<Width> x)
{
    using V = Vector<Width>;
    const V size = x < 0.0f ? -x : x, square = x * x;
    V sum = V { } - 5.70498872745e-3f;
    sum = sum * square + 2.06390887954e-2f;
    sum = sum * square - 5.37397155531e-2f;
    sum = sum * square + 1.33314422036e-1f;
    sum = sum * square - 3.33332819422e-1f;
    const V nearZero = sum * square * x + x;
    const V far = 1.0f - 2.0f / (exponential<Width>(2.0f * size) + 1.0f), either = x < 0.0f ? -far : far;
    return size < 0.625f ? nearZero : either;
}

/** Subtracts the largest value first, so that no logit is too large. */
inline void softmax(float* x, int size)
{
    float largest = x[0], sum = 0.0f;
    for(int i = 1; i < size; ++i)
        largest = x[i] > largest ? x[i] : largest;
    each(size, [=](auto width, int i) { store(x + i, exponential<width>(load<width>(x + i) - largest)); });
    for(int i = 0; i < size; ++i)
        sum += x[i];
    for(int i = 0; i < size; ++i)
        x[i] /= sum;
}

inline void activate(Activation which, float* x, int size)
{
    switch(which)
    {
        case Activation::tanh:
            each(size, [=](auto width, int i) { store(x + i, tanh<width>(load<width>(x + i))); });
            break;
        case Activation::relu:
            for(int i = 0; i < size; ++i)
                x[i] = x[i] < 0.0f ? 0.0f : x[i]; // NaN stays NaN
            break;
        case Activation::sigmoid:
            each(size, [=](auto width, int i) { store(x + i, sigmoid<width>(load<width>(x + i))); });
            break;
        case Activation::softmax: softmax(x, size); break;
        case Activation::elu:
            each(size,
                [=](auto width, int i)
                {
                    const auto v = load<width>(x + i);
                    const decltype(v) below = exponential<width>(v) - 1.0f;
                    store(x + i, v > 0.0f ? v : below);
                });
            break;
    }
}

/** Gate order z, r, n. */
inline void gru(const float* input, const float* past, float* h, int size)
{
    each(size,
        [=](auto width, int i)
        {
            const auto sum = [=](int at) { return load<width>(input + at) + load<width>(past + at); };
            const auto z = sigmoid<width>(sum(i)), r = sigmoid<width>(sum(size + i));
            const auto n = tanh<width>(load<width>(input + 2 * size + i) + r * load<width>(past + 2 * size + i));
            store(h + i, (1.0f - z) * n + z * load<width>(h + i));
        });
}

/** Gate order i, f, g, o. */
inline void lstm(const float* input, const float* past, float* h, float* c, int size)
{
    each(size,
        [=](auto width, int i)
        {
            const auto sum = [=](int at) { return load<width>(input + at) + load<width>(past + at); };
            const auto in = sigmoid<width>(sum(i)), forget = sigmoid<width>(sum(size + i));
            const auto out = sigmoid<width>(sum(3 * size + i)), fresh = tanh<width>(sum(2 * size + i));
            const decltype(in) cell = forget * load<width>(c + i) + in * fresh;
            store(c + i, cell);
            store(h + i, out * tanh<width>(cell));
        });
}

/** Keeps frames of the past and lays those that a dilated convolution reads side by side, the oldest first. */
inline void history(const float* x, float* to, float* state, int size, int taps, int dilation, std::uint64_t call)
{
    const auto slots = static_cast<std::uint64_t>(taps - 1) * static_cast<std::uint64_t>(dilation) + 1;
    const auto bytes = static_cast<std::size_t>(size) * sizeof(float);
    auto slot = static_cast<std::size_t>(call % slots);
    std::memmove(state + slot * static_cast<std::size_t>(size), x, bytes);
    for(int tap = 0; tap < taps; ++tap)
    {
        // The slot after the present one holds the oldest frame.
        slot += tap == 0 ? 1 : static_cast<std::size_t>(dilation);
        slot = slot < slots ? slot : slot - static_cast<std::size_t>(slots);
        std::memmove(to + static_cast<std::size_t>(tap) * static_cast<std::size_t>(size),
            state + slot * static_cast<std::size_t>(size), bytes);
    }
}

/** A plan that came from outside: every place that it names must lie inside what there is. */
class Checker
{
public:
    explicit Checker(const Plan& plan)
        : plan_(plan)
    {
    }

    const char* run()
    {
        if(plan_.words == nullptr || plan_.word_count < head_words)
            return "the plan is cut short";
        if(plan_.words[version] != plan_version)
            return "the plan is of another version of kmidi_runtime.hpp";
        for(std::size_t i = input_size; i < head_words; ++i)
            if(plan_.words[i] < 0 || plan_.words[i] > largest_size)
                return "a size in the plan is out of bounds";
        if(plan_.words[input_size] == 0 || plan_.words[output_size] == 0)
            return "the plan has no inputs or no outputs";
        if(!arena(0, plan_.words[input_size]) || !arena(plan_.words[output_at], plan_.words[output_size]))
            return "a buffer lies outside the arena";
        std::size_t at = head_words;
        for(std::int32_t i = 0; i < plan_.words[op_count]; ++i)
        {
            if(plan_.word_count - at < 2 || plan_.words[at + 1] < 2
                || static_cast<std::size_t>(plan_.words[at + 1]) > plan_.word_count - at)
                return "an operation is cut short";
            words_ = plan_.words + at + 2;
            count_ = static_cast<std::size_t>(plan_.words[at + 1]) - 2;
            if(!operation(static_cast<Op>(plan_.words[at])))
                return "an operation names a place that is not there";
            at += count_ + 2;
        }
        return at == plan_.word_count ? nullptr : "the plan has words left over";
    }

private:
    bool operation(Op op) const
    {
        static constexpr std::size_t lengths[] = { 0, 6, 7, 6, 3, 3, 3, 3, 4, 5, 3 };
        if(op < Op::dense || op > Op::copy)
            return false;
        const auto least = lengths[static_cast<std::size_t>(op)];
        if(op == Op::blocks ? count_ < least : count_ != least)
            return false;
        for(std::size_t i = 0; i < least; ++i)
            if(words_[i] < 0 || words_[i] > largest_size)
                return false;
        const std::int64_t a = words_[0], b = words_[1], c = words_[2];
        switch(op)
        {
            case Op::dense: return matrix() && arena(b, padded()) && weights(words_[5], padded() * (c + 1));
            case Op::blocks: return matrix() && arena(b, words_[3]) && table();
            case Op::history:
                return words_[4] >= 1 && words_[5] >= 1 && arena(a, words_[3])
                    && arena(b, product(words_[3], words_[4]))
                    && arena(c, product(words_[3], product(words_[4] - 1, words_[5]) + 1));
            case Op::norm: return arena(a, b) && weights(c, 3 * b);
            case Op::prelu: return arena(a, b) && weights(c, b);
            case Op::activation: return b >= 1 && arena(a, b) && c <= static_cast<std::int32_t>(Activation::elu);
            case Op::add:
            case Op::copy: return arena(a, c) && arena(b, c);
            case Op::gru:
                return arena(a, 3 * std::int64_t(words_[3])) && arena(b, 3 * std::int64_t(words_[3]))
                    && arena(c, words_[3]);
            case Op::lstm:
                return arena(a, 4 * std::int64_t(words_[4])) && arena(b, 4 * std::int64_t(words_[4]))
                    && arena(c, words_[4]) && arena(words_[3], words_[4]);
        }
        return false;
    }

    bool matrix() const
    {
        const auto tile = words_[4];
        return (tile == 8 || tile == 16 || tile == 32 || tile == 64) && arena(words_[0], words_[2]);
    }

    bool table() const
    {
        const std::int64_t tile = words_[4];
        std::int64_t needed = 0;
        std::size_t at = 7;
        for(std::int32_t i = 0; i < words_[6]; ++i)
        {
            const auto left = static_cast<std::int64_t>(count_ - at);
            if(left < 1 + tile || words_[at] < 0 || words_[at] > left - 1 - tile)
                return false;
            const auto rows = words_[at++];
            for(std::int64_t column = 0; column < tile; ++column, ++at)
                if(words_[at] < -1 || words_[at] >= words_[3])
                    return false;
            for(std::int32_t row = 0; row < rows; ++row, ++at)
                if(words_[at] < 0 || words_[at] >= words_[2])
                    return false;
            needed += tile * (std::int64_t(rows) + 1);
        }
        return at == count_ && weights(words_[5], needed);
    }

    std::int64_t padded() const { return (std::int64_t(words_[3]) + words_[4] - 1) / words_[4] * words_[4]; }
    static std::int64_t product(std::int64_t a, std::int64_t b)
    {
        return a > 0 && b > largest_size / a ? 2 * largest_size : a * b;
    }
    bool arena(std::int64_t at, std::int64_t size) const
    {
        return at >= 0 && size >= 0 && at + size <= plan_.words[arena_size];
    }
    bool weights(std::int64_t at, std::int64_t size) const
    {
        return plan_.weights != nullptr && at + size <= static_cast<std::int64_t>(plan_.weight_count);
    }

    const Plan plan_;
    const std::int32_t* words_ = nullptr;
    std::size_t count_ = 0;
};
} // namespace detail

/** nullptr where the plan can be run, else one sentence that says why not. */
inline const char* problem(const Plan& plan)
{
    return detail::Checker(plan).run();
}

/** Runs a plan in memory that somebody else owns; starts reset. One object a thread. */
class Network
{
public:
    /** `arena` has as many floats as the plan says, best aligned to 64 bytes; `plan` has no problem(). */
    Network(const Plan& plan, float* arena) noexcept
        : plan_(plan)
        , arena_(arena)
    {
        reset();
    }

    int inputSize() const noexcept { return plan_.words[input_size]; }
    int outputSize() const noexcept { return plan_.words[output_size]; }

    /** Forgets the past. */
    void reset() noexcept KMIDI_NONBLOCKING
    {
        std::fill_n(arena_, static_cast<std::size_t>(plan_.words[arena_size]), 0.0f);
        calls_ = 0;
    }

    /** One call: inputSize() floats to outputSize() floats, at any alignment; `in` and `out` may be the same. */
    void process(const float* in, float* out) noexcept KMIDI_NONBLOCKING
    {
        std::copy_n(in, inputSize(), arena_);
        const std::int32_t* word = plan_.words + head_words;
        for(std::int32_t i = 0; i < plan_.words[op_count]; ++i, word += word[1])
            run(static_cast<Op>(word[0]), word + 2);
        ++calls_;
        std::copy_n(arena_ + plan_.words[output_at], outputSize(), out);
    }

private:
    void run(Op op, const std::int32_t* w) noexcept
    {
        float* const a = arena_ + w[0];
        switch(op)
        {
            case Op::dense: dense(w); break;
            case Op::blocks: blocks(w); break;
            case Op::history: detail::history(a, arena_ + w[1], arena_ + w[2], w[3], w[4], w[5], calls_); break;
            case Op::norm: norm(a, w[1], plan_.weights + w[2]); break;
            case Op::prelu: prelu(a, w[1], plan_.weights + w[2]); break;
            case Op::activation: detail::activate(static_cast<Activation>(w[2]), a, w[1]); break;
            case Op::add: add(a, arena_ + w[1], w[2]); break;
            case Op::gru: detail::gru(a, arena_ + w[1], arena_ + w[2], w[3]); break;
            case Op::lstm: detail::lstm(a, arena_ + w[1], arena_ + w[2], arena_ + w[3], w[4]); break;
            case Op::copy: std::copy_n(a, w[2], arena_ + w[1]); break;
        }
    }

    void dense(const std::int32_t* w) noexcept
    {
        const float *x = arena_ + w[0], *weights = plan_.weights + w[5];
        float* const to = arena_ + w[1];
        switch(w[4])
        {
            case 8: detail::dense<8>(x, to, w[2], w[3], weights); break;
            case 16: detail::dense<16>(x, to, w[2], w[3], weights); break;
            case 32: detail::dense<32>(x, to, w[2], w[3], weights); break;
            default: detail::dense<64>(x, to, w[2], w[3], weights); break;
        }
    }

    void blocks(const std::int32_t* w) noexcept
    {
        const float *x = arena_ + w[0], *weights = plan_.weights + w[5];
        float* const to = arena_ + w[1];
        switch(w[4])
        {
            case 8: detail::blocks<8>(x, to, w[6], w + 7, weights); break;
            case 16: detail::blocks<16>(x, to, w[6], w + 7, weights); break;
            case 32: detail::blocks<32>(x, to, w[6], w + 7, weights); break;
            default: detail::blocks<64>(x, to, w[6], w + 7, weights); break;
        }
    }

    static void norm(float* KMIDI_RESTRICT x, int size, const float* KMIDI_RESTRICT scale) noexcept
    {
        const float *mean = scale + size, *beta = mean + size;
        for(int i = 0; i < size; ++i)
            x[i] = scale[i] * (x[i] - mean[i]) + beta[i];
    }

    static void prelu(float* KMIDI_RESTRICT x, int size, const float* KMIDI_RESTRICT alpha) noexcept
    {
        for(int i = 0; i < size; ++i)
        {
            const float below = x[i] * alpha[i];
            x[i] = x[i] < 0.0f ? below : x[i];
        }
    }

    static void add(const float* KMIDI_RESTRICT x, float* KMIDI_RESTRICT to, int size) noexcept
    {
        for(int i = 0; i < size; ++i)
            to[i] += x[i];
    }

    Plan plan_;
    float* arena_;
    std::uint64_t calls_ = 0;
};

/** A network with its memory inside: what <id>_runtime.h makes. Never copied, because it points into itself. */
template <std::size_t ArenaSize> class FixedNetwork
{
public:
    explicit FixedNetwork(const Plan& plan) noexcept
        : network_(plan, arena_)
    {
    }
    FixedNetwork(const FixedNetwork&) = delete;
    FixedNetwork& operator=(const FixedNetwork&) = delete;

    void reset() noexcept KMIDI_NONBLOCKING { network_.reset(); }
    void process(const float* in, float* out) noexcept KMIDI_NONBLOCKING { network_.process(in, out); }

private:
    alignas(64) float arena_[ArenaSize];
    Network network_;
};

#ifndef KMIDI_NO_ALLOC
/** A network from <id>.kmw; load it off the audio thread. */
class LoadedNetwork
{
public:
    /** Throws std::runtime_error with one sentence where the file is missing, cut, or not one of kmidi_lab's. */
    explicit LoadedNetwork(const std::string& path)
    {
        std::ifstream file(path, std::ios::binary | std::ios::ate);
        if(!file)
            throw std::runtime_error(path + " cannot be read");
        const auto bytes = static_cast<std::int64_t>(file.tellg());
        file.seekg(0);
        unsigned char head[head_bytes];
        if(bytes < head_bytes || !file.read(reinterpret_cast<char*>(head), head_bytes)
            || std::memcmp(head, "KMW1", 4) != 0)
            throw std::runtime_error(path + " is no .kmw file");
        const std::int64_t words = number(head + 4), weights = number(head + 8);
        if(bytes != head_bytes + 4 * (words + weights))
            throw std::runtime_error(path + " is cut short, or something follows its end");
        json_sha256_.assign(reinterpret_cast<char*>(head) + 16, 64);
        words_.resize(static_cast<std::size_t>(words));
        weights_ = aligned(static_cast<std::size_t>(weights));
        file.read(reinterpret_cast<char*>(words_.data()), 4 * words);
        file.read(reinterpret_cast<char*>(weights_.get()), 4 * weights);
        if(!file)
            throw std::runtime_error(path + " cannot be read to its end");
        const Plan plan { words_.data(), words_.size(), weights_.get(), static_cast<std::size_t>(weights) };
        if(const char* const reason = problem(plan))
            throw std::runtime_error(path + ": " + reason);
        arena_ = aligned(static_cast<std::size_t>(words_[arena_size]));
        network_ = std::make_unique<Network>(plan, arena_.get());
    }

    int inputSize() const noexcept { return network_->inputSize(); }
    int outputSize() const noexcept { return network_->outputSize(); }
    /** Of the <id>.json that the file was made from: exports.sha256 in registry.json. */
    const std::string& jsonSha256() const noexcept { return json_sha256_; }
    void reset() noexcept KMIDI_NONBLOCKING { network_->reset(); }
    void process(const float* in, float* out) noexcept KMIDI_NONBLOCKING { network_->process(in, out); }

private:
    static constexpr std::int64_t head_bytes = 128;

    struct Free
    {
        void operator()(float* memory) const { ::operator delete(memory, std::align_val_t { 64 }); }
    };
    using Floats = std::unique_ptr<float[], Free>;

    static Floats aligned(std::size_t count)
    {
        return Floats(static_cast<float*>(::operator new(count * sizeof(float) + 1, std::align_val_t { 64 })));
    }

    static std::int64_t number(const unsigned char* at)
    {
        return at[0] | at[1] << 8 | at[2] << 16 | std::int64_t(at[3]) << 24;
    }

    std::string json_sha256_;
    std::vector<std::int32_t> words_;
    Floats weights_, arena_;
    std::unique_ptr<Network> network_;
};
#endif
} // namespace kmidi::rt
