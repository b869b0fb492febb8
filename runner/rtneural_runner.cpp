// RTNeural behind the protocol of docs/rtneural_runner.md: what RTNEURAL_RUNNER names.
#include "backends.hpp"

#ifndef KMIDI_FLAGS
#define KMIDI_FLAGS "unknown"
#endif
#ifndef RTNEURAL_VERSION
#define RTNEURAL_VERSION "unknown"
#endif
#if RTNEURAL_USE_EIGEN
#define RTNEURAL_BACKEND "eigen"
#elif RTNEURAL_USE_XSIMD
#define RTNEURAL_BACKEND "xsimd"
#else
#define RTNEURAL_BACKEND "stl"
#endif

int main(int count, char** values)
{
    return runner::guarded(
        [&]
        {
            const auto a = runner::arguments(count, values);
            runner::RTNeuralBackend network(a.model);
            if(network.inputSize() != a.inputs || network.outputSize() != a.results)
                throw std::runtime_error(a.model + " has other sizes than N_IN and N_OUT");
            const auto call = [&](const float* in, float* out)
            {
                const auto ns = runner::timed([&] { network.forward(in); });
                std::copy_n(network.outputs(), a.results, out);
                return ns;
            };
            runner::play(
                a, [&] { network.reset(); }, call,
                "\"version\": \"" RTNEURAL_VERSION "\", \"backend\": \"" RTNEURAL_BACKEND
                "\", \"flags\": \"" KMIDI_FLAGS "\"");
            return 0;
        });
}
