// Times every model of a folder in each library, turn and turn about, at rest and with busy threads beside it.
#include "backends.hpp"
#include "golden.hpp"
#include "load.hpp"

#include <cstdio>

#ifndef KMIDI_FLAGS
#define KMIDI_FLAGS "unknown"
#endif

namespace
{
namespace fs = std::filesystem;
using runner::Backend;

constexpr std::size_t block_calls = 100, block_warmup = 20;

struct Subject
{
    std::string name;
    std::unique_ptr<Backend> model;
    double loadMs = 0.0, firstUs = 0.0;
    float error = 0.0f;
    std::vector<long long> ns, loadedNs;
};

/** Blocks of calls by turns: what else the machine does in the meantime meets all of them. */
void measure(std::vector<Subject>& subjects, const runner::Golden& golden, std::size_t calls,
    std::vector<long long> Subject::* times)
{
    std::vector<float> out(subjects.front().model->outputSize());
    const auto& inputs = golden.sequence.inputs;
    for(std::size_t done = 0; done < calls; done += block_calls)
        for(auto& subject : subjects)
            for(std::size_t i = 0; i < block_warmup + block_calls; ++i)
            {
                const float* const in = inputs[i % inputs.size()].data();
                const auto ns = runner::timed([&] { subject.model->process(in, out.data()); });
                if(i >= block_warmup)
                    (subject.*times).push_back(ns);
            }
}

double microseconds(std::vector<long long>& ns, double share)
{
    const auto at = static_cast<std::size_t>(share * static_cast<double>(ns.size() - 1));
    std::nth_element(ns.begin(), ns.begin() + static_cast<std::ptrdiff_t>(at), ns.end());
    return static_cast<double>(ns[at]) / 1000.0;
}

Subject load(
    const runner::Named& library, const std::string& stem, const std::string& goldenPath, runner::Golden& golden)
{
    Subject out;
    out.name = library.name;
    out.loadMs = static_cast<double>(runner::timed([&] { out.model = library.make(stem + library.file); })) / 1e6;
    golden = runner::readGolden(goldenPath, out.model->inputSize(), out.model->outputSize());
    std::vector<float> result(out.model->outputSize());
    const float* const in = golden.sequence.inputs.front().data();
    out.firstUs = static_cast<double>(runner::timed([&] { out.model->process(in, result.data()); })) / 1e3;
    out.error = runner::worstError(
        golden, [&] { out.model->reset(); }, [&](const float* x, float* y) { out.model->process(x, y); });
    return out;
}

bool bench(const fs::path& folder, const std::string& id, std::size_t calls, std::size_t threads)
{
    const std::string stem = (folder / id).string(), golden = (folder / "golden" / id).string();
    std::vector<Subject> subjects;
    runner::Golden vectors;
    for(const auto& library : runner::backends())
    {
        const bool teacher = library.file == ".onnx" && fs::exists(golden + ".onnx.json");
        if(fs::exists(stem + library.file))
            subjects.push_back(load(library, stem, golden + (teacher ? ".onnx.json" : ".json"), vectors));
    }
    measure(subjects, vectors, calls, &Subject::ns);
    if(threads > 0)
    {
        const runner::Load busy(threads);
        measure(subjects, vectors, calls, &Subject::loadedNs);
    }
    bool good = true;
    const double reference = microseconds(subjects.front().ns, 0.5);
    for(auto& s : subjects)
    {
        good = good && s.error <= 1e-4f;
        std::printf("| %s | %s | %.1e | %.1f | %.0f | %.2f | %.2f | %.2f | %.2f |", id.c_str(), s.name.c_str(),
            static_cast<double>(s.error), s.loadMs, s.firstUs, microseconds(s.ns, 0.5), microseconds(s.ns, 0.99),
            microseconds(s.ns, 0.999), microseconds(s.ns, 0.5) / reference);
        if(threads > 0)
            std::printf(" %.2f | %.2f | %.2f |", microseconds(s.loadedNs, 0.5), microseconds(s.loadedNs, 0.99),
                microseconds(s.loadedNs, 0.999));
        std::puts("");
    }
    return good;
}
} // namespace

int main(int count, char** values)
{
    return runner::guarded(
        [&]
        {
            if(count < 2 || count > 4)
                throw std::runtime_error("usage: kmidi_bench MODELS_FOLDER [CALLS, 5000] [BUSY_THREADS, 0]");
            const fs::path folder = values[1];
            const std::size_t calls = count > 2 ? std::stoul(values[2]) : 5000,
                              threads = count > 3 ? std::stoul(values[3]) : 0;
            const auto ids = runner::modelIds(folder);
            std::printf("Flags: %s\n\n| model | library | golden error | load ms | first call us | p50 us | p99 | "
                        "p99.9 | ratio |%s\n",
                KMIDI_FLAGS, threads > 0 ? " busy: p50 | p99 | p99.9 |" : "");
            std::printf("|---|---|---|---|---|---|---|---|---|%s\n", threads > 0 ? "---|---|---|" : "");
            bool good = true;
            for(const auto& id : ids)
                good = bench(folder, id, calls, threads) && good;
            std::puts(good ? "\nOK: every golden error is at most 1e-4" : "\nWRONG: a golden error is above 1e-4");
            return good ? 0 : 1;
        });
}
