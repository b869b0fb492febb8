// Two recorders of one file: what one is asked holds for the other. Arguments: the file, and maybe `held`: ends while it is locked.
#include "feedback.h"

#include <cstdlib>

using namespace kmidi::feedback;

static void waitFor(const Recorder& recorder, std::uint64_t count) {
    while (recorder.written() + recorder.failed() < count) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

// Pushes so many, and waits for them.
static int pushed(Recorder& recorder, int count) {
    const std::uint64_t before = recorder.written() + recorder.failed();
    Event event;
    event.setModel("harmony");
    event.setLabel("Dm7");
    int taken = 0;
    for (int i = 0; i < count; ++i) taken += recorder.push(event);
    waitFor(recorder, before + static_cast<std::uint64_t>(taken));
    return taken;
}

int main(int size, char** arguments) {
    Recorder one(arguments[1]);
    one.setConsent(Scope::all);
    if (size > 2) {  // the file is locked by who runs this
        Event event;
        event.setModel("harmony");
        return one.push(event) ? 0 : 1;
    }
    if (pushed(one, 3) != 3 || one.written() != 3) return 1;
    {
        Recorder other(arguments[1]);
        other.setConsent(Scope::actions);
        if (pushed(other, 1) != 1 || other.written() != 1) return 2;
        if (pushed(one, 2) != 2 || one.failed() != 2) return 3;  // by a scope that stands no more
        if (pushed(one, 1) != 1 || one.written() != 4) return 4;  // by the other's
        other.setConsent(Scope::none);
    }
    if (pushed(one, 1) != 1 || one.failed() != 3) return 5;
    if (pushed(one, 1) != 0) return 6;  // it knows by now
    one.setConsent(Scope::all);
    return pushed(one, 1) == 1 && one.written() == 5 ? 0 : 7;
}
