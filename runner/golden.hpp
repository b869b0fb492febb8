// Reads the vectors of a golden file; no more of JSON than such a file has.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace runner
{
using Rows = std::vector<std::vector<float>>;

/** One part of a golden file: `sequence` is called in a row, `typical` with a reset before each call. */
struct Vectors
{
    Rows inputs, outputs;
};

struct Golden
{
    Vectors sequence, typical;
};

namespace detail
{
inline std::size_t after(const std::string& text, const std::string& key, std::size_t from)
{
    const auto at = text.find('"' + key + '"', from);
    if(at == std::string::npos)
        throw std::runtime_error("the golden file has no \"" + key + '"');
    return at + key.size() + 2;
}

/** `[[1, 2], [3, 4]]`, the first one at or behind `at`. */
inline Rows rows(const std::string& text, std::size_t at)
{
    Rows out;
    int depth = 0;
    for(at = text.find('[', at); at < text.size();)
    {
        const char c = text[at];
        if(c == '[')
        {
            if(++depth == 2)
                out.emplace_back();
            ++at;
        }
        else if(c == ']')
        {
            ++at;
            if(--depth == 0)
                return out;
        }
        else if(depth == 2 && (c == '-' || (c >= '0' && c <= '9')))
        {
            char* end = nullptr;
            out.back().push_back(std::strtof(text.c_str() + at, &end));
            at = static_cast<std::size_t>(end - text.c_str());
        }
        else
            ++at;
    }
    throw std::runtime_error("the golden file is cut short");
}

inline Vectors vectors(const std::string& text, const std::string& part, std::size_t inputs, std::size_t outputs)
{
    const auto at = after(text, part, 0);
    Vectors out { rows(text, after(text, "inputs", at)), rows(text, after(text, "outputs", at)) };
    const auto wrong = [](const Rows& values, std::size_t size)
    {
        return values.empty()
            || std::any_of(values.begin(), values.end(), [=](const auto& r) { return r.size() != size; });
    };
    if(out.inputs.size() != out.outputs.size() || wrong(out.inputs, inputs) || wrong(out.outputs, outputs))
        throw std::runtime_error("the golden file's " + part + " has other sizes than the network");
    return out;
}
} // namespace detail

inline Golden readGolden(const std::string& path, std::size_t inputs, std::size_t outputs)
{
    std::ifstream file(path, std::ios::binary);
    if(!file)
        throw std::runtime_error(path + " cannot be read");
    const std::string text(std::istreambuf_iterator<char>(file), { });
    return { detail::vectors(text, "sequence", inputs, outputs), detail::vectors(text, "typical", inputs, outputs) };
}

/** The models of a folder that have a .kmw file, in order of their ids; throws where there is none. */
inline std::set<std::string> modelIds(const std::filesystem::path& folder)
{
    std::set<std::string> ids;
    for(const auto& entry : std::filesystem::directory_iterator(folder))
        if(entry.path().extension() == ".kmw")
            ids.insert(entry.path().stem().string());
    if(ids.empty())
        throw std::runtime_error(
            folder.string() + " has no .kmw files; make them with python -m kmidi_lab.export.cpp");
    return ids;
}

/** The largest absolute error over both parts, infinite where an output is not finite. `call(in, out)` is one call. */
template <typename Reset, typename Call> float worstError(const Golden& golden, Reset reset, Call call)
{
    float worst = 0.0f;
    for(const auto* part : { &golden.sequence, &golden.typical })
    {
        std::vector<float> out(part->outputs.front().size());
        reset();
        for(std::size_t i = 0; i < part->inputs.size(); ++i)
        {
            if(part == &golden.typical)
                reset();
            call(part->inputs[i].data(), out.data());
            for(std::size_t k = 0; k < out.size(); ++k)
                worst = std::isfinite(out[k]) ? std::max(worst, std::fabs(out[k] - part->outputs[i][k]))
                                              : std::numeric_limits<float>::infinity();
        }
    }
    return worst;
}
} // namespace runner
