// The same model in each library that this was built with, behind one interface.
#pragma once

#include "protocol.hpp"

#include <kmidi_runtime.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#ifdef KMIDI_WITH_RTNEURAL
#include <RTNeural/RTNeural.h>
#endif
#ifdef KMIDI_WITH_ONNXRUNTIME
#include <onnxruntime_cxx_api.h>
#endif

namespace runner
{
class Backend
{
public:
    virtual ~Backend() = default;
    virtual std::size_t inputSize() const = 0;
    virtual std::size_t outputSize() const = 0;
    virtual void reset() = 0;
    virtual void process(const float* in, float* out) = 0;
};

class Kmidi final : public Backend
{
public:
    explicit Kmidi(const std::string& path)
        : network_(path)
    {
    }
    std::size_t inputSize() const override { return static_cast<std::size_t>(network_.inputSize()); }
    std::size_t outputSize() const override { return static_cast<std::size_t>(network_.outputSize()); }
    void reset() override { network_.reset(); }
    void process(const float* in, float* out) override { network_.process(in, out); }

private:
    kmidi::rt::LoadedNetwork network_;
};

#ifdef KMIDI_WITH_RTNEURAL
class RTNeuralBackend final : public Backend
{
public:
    explicit RTNeuralBackend(const std::string& path)
    {
        std::ifstream file(path);
        if(!file)
            throw std::runtime_error(path + " cannot be read");
        model_ = RTNeural::json_parser::parseJson<float>(file);
        if(model_ == nullptr || model_->layers.empty())
            throw std::runtime_error("RTNeural makes no network of " + path);
        for(const auto* layer : model_->layers)
            if(layer == nullptr)
                throw std::runtime_error("RTNeural leaves out a layer of " + path);
        input_ = std::make_unique<AlignedFloats>(inputSize());
        model_->reset();
    }
    std::size_t inputSize() const override { return static_cast<std::size_t>(model_->layers.front()->in_size); }
    std::size_t outputSize() const override { return static_cast<std::size_t>(model_->layers.back()->out_size); }
    void reset() override { model_->reset(); }
    void process(const float* in, float* out) override
    {
        // Its Eigen layers read with aligned loads; the copies cost some ten nanoseconds.
        std::copy_n(in, inputSize(), input_->get());
        forward(input_->get());
        std::copy_n(outputs(), outputSize(), out);
    }
    /** `in` is aligned to 64 bytes. */
    void forward(const float* in) { model_->forward(in); }
    const float* outputs() const { return model_->getOutputs(); }

private:
    std::unique_ptr<RTNeural::Model<float>> model_;
    std::unique_ptr<AlignedFloats> input_;
};
#endif

#ifdef KMIDI_WITH_ONNXRUNTIME
/** Reset is to leave the state out: the zeros stored in the file count then. */
class Onnx final : public Backend
{
public:
    explicit Onnx(const std::string& path)
        : session_(environment(), std::filesystem::path(path).c_str(), options())
    {
        Ort::AllocatorWithDefaultOptions allocator;
        for(std::size_t i = 0; i < session_.GetOverridableInitializerCount(); ++i)
        {
            const std::string name = session_.GetOverridableInitializerNameAllocated(i, allocator).get();
            if(name.rfind("state_", 0) == 0)
                states_.push_back(name);
        }
        for(const auto& name : states_)
            results_.push_back("new_" + name);
        inputSize_ =
            static_cast<std::size_t>(session_.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape().at(1));
        outputSize_ =
            static_cast<std::size_t>(session_.GetOutputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape().at(1));
    }
    std::size_t inputSize() const override { return inputSize_; }
    std::size_t outputSize() const override { return outputSize_; }
    void reset() override { state_.clear(); }
    void process(const float* in, float* out) override
    {
        const std::int64_t shape[] = { 1, static_cast<std::int64_t>(inputSize_) };
        std::vector<Ort::Value> values;
        values.push_back(Ort::Value::CreateTensor<float>(memory_, const_cast<float*>(in), inputSize_, shape, 2));
        std::vector<const char*> names { "input" }, wanted { "output" };
        for(std::size_t i = 0; i < states_.size(); ++i)
        {
            wanted.push_back(results_[i].c_str());
            if(!state_.empty())
            {
                names.push_back(states_[i].c_str());
                values.push_back(std::move(state_[i]));
            }
        }
        auto got = session_.Run(
            Ort::RunOptions { nullptr }, names.data(), values.data(), values.size(), wanted.data(), wanted.size());
        std::copy_n(got.front().GetTensorData<float>(), outputSize_, out);
        state_.clear();
        for(std::size_t i = 1; i < got.size(); ++i)
            state_.push_back(std::move(got[i]));
    }

private:
    static Ort::Env& environment()
    {
        static Ort::Env one(ORT_LOGGING_LEVEL_ERROR);
        return one;
    }
    static Ort::SessionOptions options()
    {
        Ort::SessionOptions chosen;
        chosen.SetIntraOpNumThreads(1);
        return chosen;
    }

    Ort::Session session_;
    Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<std::string> states_, results_;
    std::vector<Ort::Value> state_;
    std::size_t inputSize_ = 0, outputSize_ = 0;
};
#endif

struct Named
{
    std::string name, file;
    std::unique_ptr<Backend> (*make)(const std::string& path);
};

template <typename Kind> std::unique_ptr<Backend> make(const std::string& path)
{
    return std::make_unique<Kind>(path);
}

/** Every library that this was built with; `file` is what follows the id. */
inline std::vector<Named> backends()
{
    std::vector<Named> all { { "kmidi_runtime", ".kmw", make<Kmidi> } };
#ifdef KMIDI_WITH_RTNEURAL
    all.push_back({ "RTNeural", ".json", make<RTNeuralBackend> });
#endif
#ifdef KMIDI_WITH_ONNXRUNTIME
    all.push_back({ "ONNX Runtime", ".onnx", make<Onnx> });
#endif
    return all;
}
} // namespace runner
