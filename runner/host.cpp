// A host without a plugin format: loads every model of a folder and calls them from an audio thread, block after
// block, as a plugin would. Says how long the blocks took and how many came after their deadline.
#include "golden.hpp"
#include "load.hpp"
#include "protocol.hpp"

#include <kmidi_runtime.hpp>

#include <chrono>
#include <thread>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace
{
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Settings
{
    fs::path folder;
    double seconds = 10.0, rate = 48000.0;
    long block = 128;
    std::size_t busy = 0;
};

/** One model, the inputs that it is given in turn, and every how many samples. */
struct Voice
{
    std::string id;
    kmidi::rt::LoadedNetwork network;
    runner::Rows inputs;
    std::vector<float> output;
    long period = 0, due = 0;
    std::size_t calls = 0;
};

/** Samples between two calls: audio frames come every 256 samples at 16 kHz, the rest goes with notes at 120 bpm. */
long period(const std::string& id, double rate)
{
    const double beat = rate / 2.0;
    if(id == "emotionrecognizer" || id == "instrumentrecognizer" || id == "emotionnodeclassifier"
        || id == "audiofeelanalyzer")
        return static_cast<long>(rate * 256.0 / 16000.0);
    if(id == "groovepredictor")
        return static_cast<long>(4.0 * beat);
    if(id == "harmonypredictor")
        return static_cast<long>(beat);
    return static_cast<long>(beat / 4.0); // a note each sixteenth: dynamics, melody, and models not known here
}

std::vector<std::unique_ptr<Voice>> load(const Settings& settings)
{
    std::vector<std::unique_ptr<Voice>> voices;
    for(const auto& id : runner::modelIds(settings.folder))
    {
        auto voice = std::unique_ptr<Voice>(
            new Voice { id, kmidi::rt::LoadedNetwork((settings.folder / (id + ".kmw")).string()), { }, { },
                period(id, settings.rate), 0, 0 });
        const auto in = static_cast<std::size_t>(voice->network.inputSize());
        const auto out = static_cast<std::size_t>(voice->network.outputSize());
        voice->inputs =
            runner::readGolden((settings.folder / "golden" / (id + ".json")).string(), in, out).sequence.inputs;
        voice->output.resize(out);
        // Not all in the same block: the audio models take turns within their hop.
        voice->due = static_cast<long>(voices.size()) * settings.block;
        voices.push_back(std::move(voice));
    }
    return voices;
}

/** A decaying state must not slow the processor down. */
void flushDenormals()
{
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__) && defined(__GNUC__)
    std::uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" ::"r"(control | (1u << 24)));
#endif
}

/** What a plugin does in its process callback: nothing here allocates, locks or waits. */
void process(std::vector<std::unique_ptr<Voice>>& voices, long from, long samples) KMIDI_NONBLOCKING
{
    for(auto& voice : voices)
        for(; voice->due < from + samples; voice->due += voice->period)
        {
            const auto& input = voice->inputs[voice->calls++ % voice->inputs.size()];
            voice->network.process(input.data(), voice->output.data());
        }
}

struct Report
{
    std::vector<double> us;
    std::size_t missed = 0, late = 0;
};

void play(const Settings& settings, std::vector<std::unique_ptr<Voice>>& voices, Report& report)
{
    flushDenormals();
    const auto length = std::chrono::duration<double>(static_cast<double>(settings.block) / settings.rate);
    const auto begin = Clock::now();
    for(std::size_t i = 0; i < report.us.size(); ++i)
    {
        const auto start = begin + std::chrono::duration_cast<Clock::duration>(static_cast<double>(i) * length);
        std::this_thread::sleep_until(start);
        const auto woke = Clock::now();
        process(voices, static_cast<long>(i) * settings.block, settings.block);
        const auto done = Clock::now();
        report.us[i] = std::chrono::duration<double, std::micro>(done - woke).count();
        report.missed += done - woke > length;
        report.late += woke - start > length;
    }
}

Settings settings(int count, char** values)
{
    if(count < 2 || count > 6)
        throw std::runtime_error(
            "usage: kmidi_host MODELS_FOLDER [SECONDS, 10] [BLOCK, 128] [RATE, 48000] [BUSY_THREADS, 0]");
    Settings out;
    out.folder = values[1];
    if(count > 2)
        out.seconds = std::stod(values[2]);
    if(count > 3)
        out.block = std::stol(values[3]);
    if(count > 4)
        out.rate = std::stod(values[4]);
    if(count > 5)
        out.busy = std::stoul(values[5]);
    if(!(out.seconds > 0.0 && out.seconds <= 3600.0) || out.block < 1 || out.block > 65536
        || !(out.rate >= 8000.0 && out.rate <= 768000.0) || out.busy > 256)
        throw std::runtime_error("SECONDS up to 3600, BLOCK 1 to 65536, RATE 8000 to 768000, BUSY_THREADS up to 256");
    return out;
}
} // namespace

int main(int count, char** values)
{
    return runner::guarded(
        [&]
        {
            const auto chosen = settings(count, values);
            auto voices = load(chosen);
            Report report;
            report.us.resize(
                static_cast<std::size_t>(chosen.seconds * chosen.rate / static_cast<double>(chosen.block)) + 1);
            {
                const runner::Load load(chosen.busy);
                std::thread audio([&] { play(chosen, voices, report); });
                audio.join();
            }
            for(const auto& voice : voices)
                std::printf("%s: %zu calls\n", voice->id.c_str(), voice->calls);
            std::sort(report.us.begin(), report.us.end());
            const auto at = [&](double share)
            { return report.us[static_cast<std::size_t>(share * static_cast<double>(report.us.size() - 1))]; };
            const double deadline = 1e6 * static_cast<double>(chosen.block) / chosen.rate;
            std::printf("%zu blocks of %ld samples at %g Hz, deadline %.0f us: p50 %.1f us, p99 %.1f, p99.9 %.1f, "
                        "longest %.1f\n",
                report.us.size(), chosen.block, chosen.rate, deadline, at(0.5), at(0.99), at(0.999), report.us.back());
            std::printf("%zu blocks took longer than their deadline; before %zu the thread was woken a block late\n",
                report.missed, report.late);
            return report.missed == 0 ? 0 : 1;
        });
}
