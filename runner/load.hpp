// Threads that keep the other cores and the memory busy, as other plugins would.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace runner
{
/** Streams through memory in `threads` threads until it goes out of scope. */
class Load
{
public:
    explicit Load(std::size_t threads)
    {
        for(std::size_t i = 0; i < threads; ++i)
            threads_.emplace_back(
                [this]
                {
                    std::vector<float> memory(4 << 20, 1.0f);
                    while(!stop_)
                        for(auto& value : memory)
                            value *= 0.999f;
                });
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load()
    {
        stop_ = true;
        for(auto& thread : threads_)
            thread.join();
    }

private:
    std::atomic<bool> stop_ { false };
    std::vector<std::thread> threads_;
};
} // namespace runner
