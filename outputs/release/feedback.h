// Feedback events of a plugin, written as JSON lines that `task=feedback feedback.import=FILE` takes in (docs/feedback.md).
// One header, C++17, no dependency. MIT licence, as the lab.
//
//     kmidi::feedback::Recorder recorder("feedback.jsonl");         // starts its writer thread; records nothing yet
//     recorder.setConsent(kmidi::feedback::Scope::all);             // when the user has said yes to that, and only then
//     kmidi::feedback::Event event;                                 // on the audio thread, or any other one thread
//     event.setModel("harmony");
//     event.action = kmidi::feedback::Action::accepted;
//     event.setInput(input, inputSize);
//     recorder.push(event);                                         // false: no consent, or the queue is full
//
// `push` is for one thread at a time. It neither allocates, locks, waits nor asks the system for anything: it copies the
// event into a ring of a fixed size. Everything else (ids, time, text, the disk) is the writer thread's work.
// Make and end a recorder where waiting is allowed, such as the message thread: its end waits for the disk.
// Several recorders may write to one file, except on Windows: give each instance a path of its own there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <locale>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#if defined(_WIN32)
#include <filesystem>
#include <io.h>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

namespace kmidi {
namespace feedback {

constexpr std::size_t mostNumbers = 512;
constexpr std::size_t longestLine = 65536;
constexpr std::int64_t useLastsSeconds = 30 * 24 * 3600;

enum class Action : std::uint8_t { accepted, changed, rejected, rated };

// What the user has said yes to. `actions`: model, file, time, action and rating, a correction as a rejection; no vector and
// no label. `all`: all that an event holds.
enum class Scope : std::uint8_t { none, actions, all };

// A vector of at most `mostNumbers` numbers; `size` 0 says nothing.
struct Numbers {
    float values[mostNumbers];
    std::size_t size = 0;

    // False, and nothing is kept, where there are too many.
    bool set(const float* from, std::size_t count) noexcept {
        size = count <= mostNumbers ? count : 0;
        if (size > 0) std::memcpy(values, from, size * sizeof(float));
        return size == count;
    }
};

// What happened. Texts are cut at their array's end; the writer refuses what the format does not allow and counts it.
struct Event {
    char model[41] = "";
    char artefact[65] = "";  // SHA-256 of the model's file in hex, or empty
    char label[65] = "";     // one word that the user gave instead, or empty
    Action action = Action::accepted;
    int rating = 0;  // 1 to 5, 0 for none
    Numbers input, output, changedTo;

    void setModel(const char* text) noexcept { copy(model, sizeof model, text); }
    void setArtefact(const char* text) noexcept { copy(artefact, sizeof artefact, text); }
    void setLabel(const char* text) noexcept { copy(label, sizeof label, text); }
    bool setInput(const float* from, std::size_t count) noexcept { return input.set(from, count); }
    bool setOutput(const float* from, std::size_t count) noexcept { return output.set(from, count); }
    bool setChangedTo(const float* from, std::size_t count) noexcept { return changedTo.set(from, count); }

private:
    static void copy(char* to, std::size_t room, const char* from) noexcept {
        std::size_t at = 0;
        for (; at + 1 < room && from[at] != '\0'; ++at) to[at] = from[at];
        to[at] = '\0';
    }
};

class Recorder {
public:
    // `path`, UTF-8, grows by a line an event, up to `mostBytes`. Beside it, `path`.use lists the user's ids and since when each
    // stands, and `path`.consent holds the scope that the user has said yes to and since when. Without both on the disk no event
    // is written. New files are the user's alone to read (not on Windows). The ring holds `capacity` events, about 6 KB each.
    // Throws where there is no memory or no thread.
    explicit Recorder(std::string path, std::size_t capacity = 64, std::uint64_t mostBytes = 64u << 20)
        : path_(std::move(path)), ring_(capacity + 1), mostBytes_(mostBytes), writer_([this] { write(); }) {}

    // Writes what was pushed before; where another holds the file, it gives up after a second.
    ~Recorder() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        writer_.join();
    }
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // None at first. With none nothing is recorded; what was pushed before is still written, by the scope of then.
    // The writer keeps each change with its date; the scope that is kept already, also of an earlier day, keeps its date.
    // Of recorders that share a file, the one that was asked last speaks for all that record, from what they write next on.
    void setConsent(Scope scope) noexcept {
        std::uint64_t before = consent_.load(std::memory_order_relaxed);
        while (!consent_.compare_exchange_weak(before, said(asked(before) + 1, scope), std::memory_order_release,
                                               std::memory_order_relaxed)) {
        }
    }

    // For one thread. False where the event is not kept.
    bool push(const Event& event) noexcept {
        const std::uint64_t consent = consent_.load(std::memory_order_relaxed);
        if (scopeOf(consent) == Scope::none) return false;
        const std::size_t at = head_.load(std::memory_order_relaxed), next = (at + 1) % ring_.size();
        if (next == tail_.load(std::memory_order_acquire)) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        ring_[at].event = event;
        ring_[at].consent = consent;
        head_.store(next, std::memory_order_release);
        return true;
    }

    // Since the start: lines on the disk, events for which the queue was full, that the format does not allow, and that the
    // disk did not take (full, no such folder, `mostBytes`, no record of the consent or of the id, a consent that another recorder
    // of the file was asked to change) or that there was no memory for.
    std::uint64_t written() const noexcept { return written_.load(); }
    std::uint64_t dropped() const noexcept { return dropped_.load(); }
    std::uint64_t refused() const noexcept { return refused_.load(); }
    std::uint64_t failed() const noexcept { return failed_.load(); }

private:
    static_assert(std::atomic<std::size_t>::is_always_lock_free, "push must not lock");
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "push must not lock");
    static_assert(std::is_trivially_copyable<Event>::value, "push must not allocate");

    struct Entry {
        Event event;
        std::uint64_t consent = 0;  // when it was pushed
    };

    // A consent: the scope in the last two bits, before them how often it was set.
    static std::uint64_t said(std::uint64_t times, Scope scope) noexcept { return times << 2 | static_cast<std::uint64_t>(scope); }
    static std::uint64_t asked(std::uint64_t consent) noexcept { return consent >> 2; }
    static Scope scopeOf(std::uint64_t consent) noexcept { return static_cast<Scope>(consent & 3u); }

    void write() {
        bool last = false;
        // After a failure some are left in the ring, also at the end.
        while (!last || tail_.load(std::memory_order_relaxed) != head_.load(std::memory_order_acquire)) {
            {
                std::unique_lock<std::mutex> waiting(mutex_);
                last = wake_.wait_for(waiting, std::chrono::milliseconds(100), [this] { return stopping_.load(); });
            }
            std::uint64_t count = 0;
            try {
                const std::uint64_t now = consent_.load(std::memory_order_acquire);  // what was pushed before it is seen, too
                drain(count);
                if (asked(now) > asked(heard_)) keepConsent(now);
            } catch (...) {  // no memory, no random numbers …: the host must not end for it
                failed_ += count;
            }
        }
    }

    // Writes what the ring holds; `count` are those taken from it that are neither written, refused nor failed yet.
    void drain(std::uint64_t& count) {
        struct Release {  // also where `toLine` throws
            std::atomic<std::size_t>& tail;
            const std::size_t next;
            ~Release() { tail.store(next, std::memory_order_release); }
        };
        std::string lines;
        std::size_t at = tail_.load(std::memory_order_relaxed);
        while (at != head_.load(std::memory_order_acquire)) {
            const std::size_t next = (at + 1) % ring_.size();
            std::string line;
            ++count;
            {
                const Release release{tail_, next};
                const std::uint64_t consent = ring_[at].consent;
                if (asked(consent) > asked(heard_)) {  // lines of an earlier one are written by it first
                    --count;
                    flush(lines, count);
                    ++count;
                    keepConsent(consent);
                }
                const Scope scope = scopeOf(consent);
                line = toLine(ring_[at].event, kept_ == Scope::none ? scope : std::min(scope, kept_));
            }
            at = next;
            if (line.empty()) {
                ++refused_;
                --count;
            }
            lines += line;
            if (lines.size() > (1u << 20)) flush(lines, count);
        }
        flush(lines, count);
    }

    // Appends the lines, and returns when the disk has them.
    void flush(std::string& lines, std::uint64_t& count) {
        if (count > 0) (consentStands() && keepUse() && append(path_, lines) ? written_ : failed_) += count;
        lines.clear();
        count = 0;
    }

    // A line that a crash cut short is ended first; where the disk does not take all of the text, none of it stays. The file is
    // locked meanwhile (not on Windows), so that lines of another instance do not mix with these.
    bool append(const std::string& path, const std::string& text) noexcept {
        std::FILE* file = open(path, Mode::append);
        if (file == nullptr) return false;
        std::setvbuf(file, nullptr, _IONBF, 0);  // nothing is left to be written when it is closed
        const bool locked = lock(file) && std::fseek(file, 0, SEEK_END) == 0;
        const long size = locked ? std::ftell(file) : -1;
        bool done = size >= 0 && static_cast<std::uint64_t>(size) + text.size() < mostBytes_;
        if (done && size > 0) {
            done = std::fseek(file, -1, SEEK_END) == 0;
            const bool ended = done && std::fgetc(file) == '\n';
            done = done && std::fseek(file, 0, SEEK_END) == 0 && (ended || std::fputc('\n', file) == '\n');
        }
        done = done && std::fwrite(text.data(), 1, text.size(), file) == text.size() && synced(file);
        if (!done && size >= 0) cut(file, size);
        return std::fclose(file) == 0 && done;
    }

    enum class Mode { append, anew, read };

    static std::FILE* open(const std::string& path, Mode mode) noexcept {
#if defined(_WIN32)
        static const wchar_t* const modes[] = {L"a+b", L"wb", L"rb"};
        try {
            return _wfopen(std::filesystem::u8path(path).c_str(), modes[static_cast<int>(mode)]);
        } catch (...) {
            return nullptr;
        }
#else
        static const char* const modes[] = {"a+b", "wb", "rb"};
        static const int flags[] = {O_RDWR | O_CREAT | O_APPEND, O_WRONLY | O_CREAT | O_TRUNC, O_RDONLY};
        const int number = ::open(path.c_str(), flags[static_cast<int>(mode)] | O_CLOEXEC, 0600);
        std::FILE* file = number < 0 ? nullptr : fdopen(number, modes[static_cast<int>(mode)]);
        if (number >= 0 && file == nullptr) ::close(number);
        return file;
#endif
    }

    // Empty where there is no such file.
    static std::string read(const std::string& path) {
        std::string text;
        if (std::FILE* file = open(path, Mode::read)) {
            char some[256];
            for (std::size_t size = 1; size > 0; text.append(some, size)) size = std::fread(some, 1, sizeof some, file);
            std::fclose(file);
        }
        return text;
    }

    static bool synced(std::FILE* file) noexcept {
#if defined(_WIN32)
        return std::fflush(file) == 0 && _commit(_fileno(file)) == 0;
#else
        return std::fflush(file) == 0 && fsync(fileno(file)) == 0;
#endif
    }

    // Where that fails, too, the next append ends the line.
    static bool cut(std::FILE* file, long size) noexcept {
#if defined(_WIN32)
        return _chsize_s(_fileno(file), size) == 0;
#else
        return ftruncate(fileno(file), size) == 0;
#endif
    }

    static bool moved(const std::string& from, const std::string& to) noexcept {
#if defined(_WIN32)
        try {  // std::rename replaces nothing there
            std::filesystem::rename(std::filesystem::u8path(from), std::filesystem::u8path(to));
            return true;
        } catch (...) {
            return false;
        }
#else
        return std::rename(from.c_str(), to.c_str()) == 0;
#endif
    }

    // The record of a consent up to its date, of 20 characters; `"}` and the line's end stand behind that.
    static std::string consentBegin(Scope scope) {
        static const char* const scopes[] = {"none", "actions", "all"};
        return std::string("{\"format\":\"kmidi-consent-1\",\"scope\":\"") + scopes[static_cast<int>(scope)] + "\",\"date\":\"";
    }

    // Whether the record on the disk holds that scope.
    bool recorded(Scope scope) const {
        const std::string there = read(path_ + ".consent"), begin = consentBegin(scope);
        return there.size() == begin.size() + 23 && there.compare(0, begin.size(), begin) == 0;
    }

    // Writes a consent with today's date, unless the record holds its scope; `kept_` is the scope that the disk has then.
    void keepConsent(std::uint64_t consent) {
        const Scope scope = scopeOf(consent);
        kept_ = Scope::none;
        if (!recorded(scope)) {
            const std::time_t now = std::time(nullptr);
            std::tm parts{};
#if defined(_WIN32)
            gmtime_s(&parts, &now);
#else
            gmtime_r(&now, &parts);
#endif
            char date[24];
            if (std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts) != 20) return;
            const std::string path = path_ + ".consent", aside = path + "." + newId();
            const std::string line = consentBegin(scope) + date + "\"}\n";
            std::FILE* file = open(aside, Mode::anew);
            if (file == nullptr) return;
            bool done = std::fwrite(line.data(), 1, line.size(), file) == line.size() && synced(file);
            done = std::fclose(file) == 0 && done;
            if (!done || !moved(aside, path)) {
                std::remove(aside.c_str());
                return;
            }
        }
        kept_ = scope;
        heard_ = consent;
    }

    // Whether the record is still what this recorder has kept. If not, another was asked since, and what it was told holds here,
    // too, unless this one is asked again.
    bool consentStands() {
        if (kept_ == Scope::none || recorded(kept_)) return kept_ != Scope::none;
        kept_ = recorded(Scope::all) ? Scope::all : recorded(Scope::actions) ? Scope::actions : Scope::none;
        std::uint64_t before = heard_;
        heard_ = said(asked(heard_), kept_);
        consent_.compare_exchange_strong(before, heard_);
        return false;
    }

    // Until the file is closed. When the recorder ends, others are waited for a second at most.
    bool lock(std::FILE* file) noexcept {
#if defined(_WIN32)
        return file != nullptr;
#else
        while (flock(fileno(file), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) continue;
            if (errno != EWOULDBLOCK || (stopping_ && ++waited_ > 100)) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return true;
#endif
    }

    // What the scope covers of an event; empty where the format does not allow it.
    std::string toLine(const Event& event, Scope scope) {
        static const char* const actions[] = {"accepted", "changed", "rejected", "rated"};
        const bool whole = scope == Scope::all;
        const bool bare = !whole && event.action == Action::changed;  // without what it was corrected to
        const auto action = static_cast<std::size_t>(bare ? Action::rejected : event.action);
        if (action >= 4 || !isName(event.model) || !isWord(event.label) || event.rating < 0 || event.rating > 5) return {};
        if (event.artefact[0] != '\0' && (std::strlen(event.artefact) != 64 || !isHex(event.artefact))) return {};
        if (event.action == Action::rated && event.rating == 0) return {};
        if (event.action == Action::changed && event.changedTo.size == 0 && event.label[0] == '\0') return {};
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const std::int64_t time = std::chrono::duration_cast<std::chrono::seconds>(now).count();
        std::ostringstream out;
        out.imbue(std::locale::classic());  // a decimal point, whatever the host's language
        out.precision(9);
        out << "{\"format\":\"kmidi-feedback-1\",\"event\":\"" << newId() << "\",\"time\":" << time << ",\"use\":\""
            << use(time) << "\",\"model\":\"" << event.model << "\",\"action\":\"" << actions[action] << '"';
        if (event.artefact[0] != '\0') out << ",\"artefact\":\"" << event.artefact << '"';
        if (whole && event.label[0] != '\0') out << ",\"label\":\"" << event.label << '"';
        if (event.rating > 0) out << ",\"rating\":" << event.rating;
        const bool fits = !whole || (put(out, "input", event.input) && put(out, "output", event.output) &&
                                     put(out, "changed_to", event.changedTo));
        out << "}\n";
        const std::string line = out.str();
        return fits && line.size() <= longestLine ? line : std::string();
    }

    static bool put(std::ostream& out, const char* key, const Numbers& numbers) {
        if (numbers.size > mostNumbers) return false;
        for (std::size_t i = 0; i < numbers.size; ++i) {
            const float value = numbers.values[i];
            if (!std::isfinite(value) || std::fabs(value) > 1e9f) return false;
            if (i == 0) out << ",\"" << key << "\":[";
            out << (i == 0 ? "" : ",") << value;
        }
        if (numbers.size > 0) out << ']';
        return true;
    }

    static bool isName(const char* text) {
        if (*text < 'a' || *text > 'z') return false;
        for (; *text != '\0'; ++text)
            if (!((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == '_')) return false;
        return true;
    }

    static bool isWord(const char* text) {
        for (; *text != '\0'; ++text) {
            const bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
            if (!letter && !(*text >= '0' && *text <= '9') && std::strchr("_#+./-", *text) == nullptr) return false;
        }
        return true;
    }

    static bool isHex(const char* text) { return std::strspn(text, "0123456789abcdef") == std::strlen(text); }

    std::string newId() {
        std::string id;
        while (id.size() < 32) {
            std::uint32_t bits = random_();
            for (int digit = 0; digit < 8; ++digit, bits >>= 4) id += "0123456789abcdef"[bits & 15u];
        }
        return id;
    }

    // The id of this month: the last of the list beside the file, or a new one, which `keepUse` adds to it.
    const std::string& use(std::int64_t now) {
        if (use_.empty()) {
            std::istringstream list(read(path_ + ".use"));
            std::string id;
            std::int64_t since = 0;
            while (list >> id >> since)
                if (id.size() == 32 && isHex(id.c_str())) use_ = id, useSince_ = since;
        }
        if (use_.empty() || now < useSince_ || now >= useSince_ + useLastsSeconds) {
            use_ = newId();
            useSince_ = now;
            unlisted_ = use_ + ' ' + std::to_string(now) + '\n';
        }
        return use_;
    }

    // Without the list nobody could have the events deleted.
    bool keepUse() {
        if (!unlisted_.empty() && !append(path_ + ".use", unlisted_)) return false;
        unlisted_.clear();
        return true;
    }

    const std::string path_;
    std::vector<Entry> ring_;
    const std::uint64_t mostBytes_;
    std::atomic<std::size_t> head_{0}, tail_{0};
    std::atomic<std::uint64_t> consent_{0};
    std::uint64_t heard_ = 0;  // the writer's: the last consent that it has kept, and the scope that the disk holds
    Scope kept_ = Scope::none;
    std::atomic<std::uint64_t> written_{0}, dropped_{0}, refused_{0}, failed_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<bool> stopping_{false};
    int waited_ = 0;  // how often, at the end, for the file
    std::random_device random_;
    std::string use_, unlisted_;
    std::int64_t useSince_ = 0;
    std::thread writer_;  // the last: it uses all of the others
};

}  // namespace feedback
}  // namespace kmidi
