// The lab's own C++ runtime behind the protocol of docs/rtneural_runner.md; the first argument is a .kmw file.
#include "protocol.hpp"

#include <kmidi_runtime.hpp>

#ifndef KMIDI_FLAGS
#define KMIDI_FLAGS "unknown"
#endif

int main(int count, char** values)
{
    return runner::guarded(
        [&]
        {
            const auto a = runner::arguments(count, values);
            kmidi::rt::LoadedNetwork network(a.model);
            if(network.inputSize() != static_cast<int>(a.inputs)
                || network.outputSize() != static_cast<int>(a.results))
                throw std::runtime_error(a.model + " has other sizes than N_IN and N_OUT");
            const auto call = [&](const float* in, float* out)
            { return runner::timed([&] { network.process(in, out); }); };
#ifdef KMIDI_USE_EIGEN
            const std::string backend = "kmidi_runtime with Eigen";
#else
            const std::string backend = "kmidi_runtime";
#endif
            runner::play(
                a, [&] { network.reset(); }, call,
                "\"version\": \"1\", \"backend\": \"" + backend + "\", \"flags\": \"" KMIDI_FLAGS "\"");
            return 0;
        });
}
