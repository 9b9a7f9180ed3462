#include "reclaim/pressure.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <synk/detail/atomic.hpp>

#include "base/environment.hpp"
#include "base/errno_stays.hpp"
#include "base/no_cancellation.hpp"
#include "reclaim/base64.hpp"

namespace synk::inline v1::detail {

namespace {

// 150 ms of stall in 2 s; unprivileged triggers need a window of a multiple of 2 s.
constexpr char trigger[] = "some 150000 2000000";
constexpr int none = -1;
constexpr int unopened = -2;
constexpr int opening = -3;
constexpr unsigned max_sources = 4;

constinit atomic<int> hub{unopened};            // the epoll descriptor
constinit atomic<int> opened[max_sources] = {}; // descriptor + 1 of each source, 0: none; ours while the hub knows it

void remember(int fd) noexcept {
    for (auto& place : opened) {
        int expected = 0;
        // relaxed: one thread opens; published by hub
        if (place.compare_exchange_strong(expected, fd + 1, memory_order_relaxed, memory_order_relaxed)) return;
    }
}

// What a program writes to its standard output or error must not come to us, who may get their numbers where it was
// started with them closed.
int above_standard(int fd) noexcept {
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(fd);
    return moved;
}

bool watch(int epoll, int fd, std::uint32_t events) noexcept {
    fd = above_standard(fd);
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (fd >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
        remember(fd);
        return true;
    }
    if (fd >= 0) ::close(fd);
    return false;
}

bool write_whole(int fd, const void* what, std::size_t size) noexcept {
    return ::write(fd, what, size) == static_cast<ssize_t>(size);
}

// A file of the kernel's pressure stall information, armed.
bool watch_pressure_file(int epoll, const char* path) noexcept {
    const int fd = ::open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    if (!write_whole(fd, trigger, sizeof(trigger))) {
        ::close(fd);
        return false;
    }
    return watch(epoll, fd, EPOLLPRI);
}

int connect_socket(const char* path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof(address.sun_path)) return none;
    std::memcpy(address.sun_path, path, length); // the rest is zero
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
    ::close(fd);
    return none;
}

int open_watched(const char* path, mode_t mode) noexcept {
    return S_ISSOCK(mode) ? connect_socket(path) : ::open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

bool arm(int fd, const char* encoded) noexcept {
    char text[256];
    if (encoded == nullptr || *encoded == '\0') return true;
    const std::size_t size = decode_base64(encoded, text, sizeof(text));
    return size != 0 && write_whole(fd, text, size);
}

// Whatever MEMORY_PRESSURE_WATCH names. Descriptors of files say POLLPRI, of FIFOs and sockets POLLIN.
bool watch_named(int epoll, const char* path) noexcept {
    struct stat info {};
    if (::stat(path, &info) != 0) return false;
    const int fd = open_watched(path, info.st_mode);
    if (fd < 0 || !arm(fd, memory_pressure_write())) {
        if (fd >= 0) ::close(fd);
        return false;
    }
    return watch(epoll, fd, S_ISREG(info.st_mode) ? EPOLLPRI : EPOLLIN);
}

// A text of the kernel's, as far as it fits. Not by stdio, which takes its buffer from malloc: that may stand on us, or
// be locked for ever in the child of a fork.
void read_text(const char* path, char* text, std::size_t size) noexcept {
    std::size_t have = 0;
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; fd >= 0 && n > 0 && have<size - 1; have += n> 0 ? static_cast<std::size_t>(n) : 0)
        n = ::read(fd, text + have, size - 1 - have);
    if (fd >= 0) ::close(fd);
    text[have] = '\0';
}

// The path of the process's cgroup in a hierarchy: "0::/a/b" (v2) or "7:memory:/a/b" (v1). False when not in one.
bool find_cgroup(const char* prefix_end, char* out, std::size_t size) noexcept {
    char text[8192];
    read_text("/proc/self/cgroup", text, sizeof(text));
    // Only lines that have an end: one without may be cut.
    for (char *line = text, *end = nullptr; (end = std::strchr(line, '\n')) != nullptr; line = end + 1) {
        *end = '\0';
        if (const char* const at = std::strstr(line, prefix_end))
            return static_cast<std::size_t>(std::snprintf(out, size, "%s", at + std::strlen(prefix_end))) < size;
    }
    return false;
}

// v1: an eventfd is told at level "medium"; the kernel is asked by a line in cgroup.event_control.
bool watch_cgroup_v1(int epoll, const char* folder) noexcept {
    char path[768];
    std::snprintf(path, sizeof(path), "/sys/fs/cgroup/memory%s/memory.pressure_level", folder);
    const int level = ::open(path, O_RDONLY | O_CLOEXEC);
    std::snprintf(path, sizeof(path), "/sys/fs/cgroup/memory%s/cgroup.event_control", folder);
    const int control = ::open(path, O_WRONLY | O_CLOEXEC);
    const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    char line[64];
    const int length = std::snprintf(line, sizeof(line), "%d %d medium", event, level);
    const bool asked =
        level >= 0 && control >= 0 && event >= 0 && write_whole(control, line, static_cast<std::size_t>(length));
    if (level >= 0) ::close(level);
    if (control >= 0) ::close(control);
    if (asked) return watch(epoll, event, EPOLLIN);
    if (event >= 0) ::close(event);
    return false;
}

bool watch_cgroup(int epoll) noexcept {
    char folder[512];
    char path[768];
    if (find_cgroup("0::", folder, sizeof(folder))) {
        std::snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.pressure", folder);
        if (watch_pressure_file(epoll, path)) return true;
    }
    return find_cgroup(":memory:", folder, sizeof(folder)) && watch_cgroup_v1(epoll, folder);
}

bool watch_all(int epoll) noexcept {
    const char* const named = memory_pressure_watch();
    if (named != nullptr && std::strcmp(named, "/dev/null") == 0) return false;
    const bool own = named != nullptr && *named != '\0' ? watch_named(epoll, named) : watch_cgroup(epoll);
    const bool whole_system = watch_pressure_file(epoll, "/proc/pressure/memory");
    return own || whole_system;
}

// Where it was for want of descriptors that nothing could be opened, the next one to ask tries again.
int open_hub() noexcept {
    const no_cancellation here;
    const errno_stays kept;
    errno = 0;
    const int epoll = above_standard(::epoll_create1(EPOLL_CLOEXEC));
    if (epoll >= 0 && watch_all(epoll)) return epoll;
    const bool too_many = errno == EMFILE || errno == ENFILE;
    if (epoll >= 0) ::close(epoll);
    return too_many ? unopened : none;
}

// What a FIFO, socket or eventfd has to say is of no interest, but must be read. False when it has ended; or never
// ends, like /dev/random: a full FIFO is read in 16 times.
bool drain(int fd) noexcept {
    char text[4096];
    for (int reads = 0; reads < 20; ++reads)
        if (const ssize_t n = ::read(fd, text, sizeof(text)); n < static_cast<ssize_t>(sizeof(text))) return n != 0;
    return false;
}

// A program may close every descriptor that it has, and open its own under these numbers. The hub knows a source by its
// number and by the open file behind it: so only our hub says of our source that it is there already. Asks for no
// events, should the number now be that of a stranger which the hub takes.
bool is_in_hub(int epoll, int fd) noexcept {
    epoll_event nothing{};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &nothing) != 0) return errno == EEXIST;
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
    return false;
}

// What is in `place` is the hub's, or another thread is just dropping it (pairs with the exchange of drop_source()).
bool holds(int epoll, const atomic<int>& place, int descriptor) noexcept {
    return is_in_hub(epoll, descriptor - 1) || place.load(memory_order_acquire) != descriptor;
}

// Hub and sources are those that we opened: at least one source, and no stranger.
bool is_untouched(int epoll) noexcept {
    const int error = errno;
    bool any = false, all = true;
    for (const auto& place : opened) {
        const int descriptor = place.load(memory_order_acquire); // pairs as in holds()
        if (descriptor == 0) continue;
        any = true;
        all = all && holds(epoll, place, descriptor);
    }
    errno = error;
    return any && all;
}

// One that has ended. It stays open: another thread may just be asking the hub for it.
void drop_source(int epoll, int fd) noexcept {
    for (auto& place : opened) {
        int expected = fd + 1; // out of `opened` first: pairs with holds()
        place.compare_exchange_strong(expected, 0, memory_order_acq_rel, memory_order_relaxed);
    }
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
}

} // namespace

// Of what the program has closed nothing is opened again: it does not want it. Nor is anything closed.
int pressure_source() noexcept {
    int seen = hub.load(memory_order_acquire); // pairs with the store below
    if (seen >= 0 && !is_untouched(seen)) {
        hub.compare_exchange_strong(seen, none, memory_order_relaxed, memory_order_relaxed); // relaxed: a value alone
        return none;
    }
    if (seen == unopened && hub.compare_exchange_strong(seen, opening, memory_order_relaxed, memory_order_relaxed)) {
        seen = open_hub();
        hub.store(seen, memory_order_release); // publishes `opened`
    }
    return seen < 0 ? none : seen;
}

void acknowledge_pressure() noexcept {
    const no_cancellation here;
    const int epoll = pressure_source();
    epoll_event events[max_sources];
    const int n = epoll < 0 ? 0 : ::epoll_wait(epoll, events, max_sources, 0);
    for (int i = 0; i < n; ++i) {
        const int fd = events[i].data.fd;
        const bool hung_up = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0;
        if (hung_up || ((events[i].events & EPOLLIN) != 0 && !drain(fd))) drop_source(epoll, fd);
    }
}

// What is not surely ours stays open: also what a thread was just opening at the fork.
void forget_pressure_sources() noexcept {
    const no_cancellation here;
    const int epoll = hub.exchange(unopened, memory_order_relaxed); // relaxed, all: the child has one thread
    const bool ours = epoll >= 0 && is_untouched(epoll);
    for (auto& place : opened)
        if (const int fd = place.exchange(0, memory_order_relaxed); ours && fd != 0) ::close(fd - 1);
    if (ours) ::close(epoll);
}

} // namespace synk::inline v1::detail
