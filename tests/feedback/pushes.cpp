// Pushes events from a thread that must not allocate; prints how many were pushed, written, dropped, refused and failed.
#include "feedback.h"

#include <clocale>
#include <cstdlib>
#include <limits>
#include <new>

static thread_local bool forbidden = false;
static thread_local bool fed = false;
static std::atomic<bool> starved{false};  // no memory for threads that are not `fed`

static void* get(std::size_t size) {
    if (forbidden) std::abort();
    if (starved && !fed) throw std::bad_alloc();
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size) { return get(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace kmidi::feedback;

// Arguments: the file, events, places of the ring, and maybe a word: `starved`, the writer gets no memory; `actions`, the user
// agrees to that alone; `given`, the user does not take the consent back.
int main(int size, char** arguments) {
    fed = true;
    std::setlocale(LC_ALL, "");
    const int count = std::atoi(arguments[2]);
    const std::string word = size > 4 ? arguments[4] : "";
    const Scope scope = word == "actions" ? Scope::actions : Scope::all;
    unsigned long long pushed = 0, totals[4] = {0, 0, 0, 0};
    {
        Recorder recorder(arguments[1], static_cast<std::size_t>(std::atoi(arguments[3])));
        starved = word == "starved";
        std::thread audio([&] {
            fed = true;
            Event event;
            event.setModel("some_model");
            event.setArtefact("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
            event.setLabel("Dm7");
            const float input[3] = {0.1f, -2.5f, 1e-7f};
            forbidden = true;
            if (recorder.push(event)) std::abort();  // nobody has said yes
            recorder.setConsent(scope);
            for (int i = 0; i < count; ++i) {
                event.action = i % 2 == 0 ? Action::accepted : Action::rated;
                event.rating = i % 2 == 0 ? 0 : 4;
                event.setInput(input, 3);
                const float number = static_cast<float>(i);
                event.setOutput(&number, 1);
                pushed += recorder.push(event);
                if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(400));
            Event wrong = event;
            wrong.setModel("A \"name\"");
            pushed += recorder.push(wrong);
            wrong = event;
            wrong.output.values[0] = std::numeric_limits<float>::quiet_NaN();
            pushed += recorder.push(wrong);
            wrong = event;
            wrong.setLabel("two words\n");
            pushed += recorder.push(wrong);
            if (word == "given") {
                forbidden = false;
                return;
            }
            recorder.setConsent(Scope::none);
            if (recorder.push(event)) std::abort();
            forbidden = false;
        });
        audio.join();
        while (recorder.written() + recorder.refused() + recorder.failed() < pushed)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        totals[0] = recorder.written(), totals[1] = recorder.dropped(), totals[2] = recorder.refused();
        totals[3] = recorder.failed();
    }
    std::printf("%llu %llu %llu %llu %llu\n", pushed, totals[0], totals[1], totals[2], totals[3]);
    return 0;
}
