// The protocol of docs/rtneural_runner.md, for any network that has reset(), forward(in) and a pointer to its
// outputs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace runner
{
/** The nine arguments. */
struct Arguments
{
    std::string model, frames, outputs, timings;
    std::size_t inputs, results, count, warmup;
    bool resetEach;
};

/** Throws where an argument is missing or no number. */
inline Arguments arguments(int count, char** values)
{
    if(count != 10)
        throw std::runtime_error(
            "usage: runner model frames.f32 outputs.f32 timings.json N_IN N_OUT FRAMES WARMUP RESET_EACH");
    std::size_t numbers[5];
    for(int i = 0; i < 5; ++i)
    {
        char* end = nullptr;
        numbers[i] = std::strtoul(values[5 + i], &end, 10);
        if(end == values[5 + i] || *end != '\0' || numbers[i] > 100'000'000)
            throw std::runtime_error(std::string("not a number: ") + values[5 + i]);
    }
    if(numbers[0] == 0 || numbers[1] == 0 || numbers[2] == 0)
        throw std::runtime_error("N_IN, N_OUT and FRAMES must be above 0");
    return { values[1], values[2], values[3], values[4], numbers[0], numbers[1], numbers[2], numbers[3],
        numbers[4] != 0 };
}

/** Floats at 64 bytes, for aligned loads of any width. */
class AlignedFloats
{
public:
    explicit AlignedFloats(std::size_t count)
        : data_(static_cast<float*>(::operator new(count * sizeof(float), std::align_val_t { 64 })))
    {
    }
    AlignedFloats(const AlignedFloats&) = delete;
    AlignedFloats& operator=(const AlignedFloats&) = delete;
    ~AlignedFloats() { ::operator delete(data_, std::align_val_t { 64 }); }
    float* get() { return data_; }

private:
    float* data_;
};

inline std::vector<float> readFloats(const std::string& path, std::size_t count)
{
    std::vector<float> values(count);
    std::ifstream file(path, std::ios::binary);
    if(!file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float))))
        throw std::runtime_error(path + " has fewer floats than N_IN x FRAMES");
    return values;
}

/** Steps 2 to 5. `call(in, out)` runs the network once and returns the nanoseconds of the forward pass alone. */
template <typename Reset, typename Call>
void play(const Arguments& a, Reset reset, Call call, const std::string& about)
{
    const auto frames = readFloats(a.frames, a.inputs * a.count);
    std::vector<float> outputs(a.results * a.count);
    AlignedFloats input(a.inputs), output(a.results);
    const auto frame = [&](std::size_t i)
    {
        std::copy_n(&frames[i * a.inputs], a.inputs, input.get());
        return call(input.get(), output.get());
    };
    reset();
    const long long first = frame(0);
    for(std::size_t i = 0; i < a.warmup; ++i)
        frame(i % a.count);
    reset();
    std::vector<long long> times(a.count);
    for(std::size_t i = 0; i < a.count; ++i)
    {
        if(a.resetEach)
            reset();
        times[i] = frame(i);
        std::copy_n(output.get(), a.results, &outputs[i * a.results]);
    }

    std::ofstream file(a.outputs, std::ios::binary);
    file.write(
        reinterpret_cast<const char*>(outputs.data()), static_cast<std::streamsize>(outputs.size() * sizeof(float)));
    std::ofstream report(a.timings);
    report << '{' << about << ", \"first_ns\": " << first << ", \"ns\": [";
    for(std::size_t i = 0; i < times.size(); ++i)
        report << (i == 0 ? "" : ", ") << times[i];
    report << "]}\n";
    if(!file.flush() || !report.flush())
        throw std::runtime_error("the results cannot be written");
}

/** Nanoseconds of one call. */
template <typename Call> long long timed(Call call)
{
    const auto begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count();
}

/** Runs a program; an exception becomes the last line of stderr and exit code 1. */
template <typename Program> int guarded(Program program)
{
    try
    {
        return program();
    }
    catch(const std::exception& error)
    {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
} // namespace runner
