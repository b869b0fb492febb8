// Two models from headers in one program that counts allocations; prints the outputs of a few calls, then the
// count.
#include "everything_runtime.h"
#include "groovepredictor_runtime.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>

static int allocations = 0;

void* operator new(std::size_t size)
{
    ++allocations;
    if(void* const memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t)
{
    return operator new(size);
}
void operator delete(void* memory) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    std::free(memory);
}

static kmidi::runtime::everything::Model everything;
static kmidi::runtime::groovepredictor::Model groove;
static_assert(kmidi::runtime::everything::input_size == 6 && kmidi::runtime::groovepredictor::output_size == 32);
static_assert(noexcept(groove.process(nullptr, nullptr)) && noexcept(groove.reset()));

int main()
{
    float in[64], out[64];
    delete new int(1); // the counter counts
    const int before = allocations;
    for(int call = 0; call < 40; ++call)
    {
        for(int i = 0; i < 64; ++i)
            in[i] = static_cast<float>((call * 7 + i * 3) % 11) / 11.0f - 0.5f;
        if(call == 20)
            everything.reset();
        groove.process(in, out);
        everything.process(in, out);
        if(call == 39)
            for(int i = 0; i < 5; ++i)
                std::printf("%.9g\n", static_cast<double>(out[i]));
        everything.process(in, in); // in and out may be the same
    }
    std::printf("%d %d\n", before, allocations - before);
}
