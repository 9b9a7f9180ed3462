// Handles that outlive main(), each in the way that the argument names. Prints what was reached; exits with 0.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "held.hpp"

namespace {

synk::bytes static_handle;
synk::buffer static_buffer;
held* leaked = nullptr;

void put_in_atexit() {
    delete leaked;
    leaked = new held("in atexit", 7);
    delete leaked;
}

// Goes on after main() has returned, until the process is no more.
void use_for_ever(std::atomic<bool>& running) {
    synk_test::churn work(9);
    for (;;) {
        work.step();
        running = true;
    }
}

void start_detached() {
    static std::atomic<bool> running{false};
    std::thread(use_for_ever, std::ref(running)).detach();
    while (!running) std::this_thread::yield();
}

// As the system tells it: sanitizers end a program that joins its main thread, which they have not seen start.
bool main_thread_has_ended() {
    std::ifstream status("/proc/self/task/" + std::to_string(::getpid()) + "/status");
    const std::string text(std::istreambuf_iterator<char>(status), {});
    return text.find("State:\tZ") != std::string::npos;
}

// The main thread ends with all that it holds; the process ends with this thread.
void leave_main_to_another_thread() {
    std::thread([] {
        while (!main_thread_has_ended()) std::this_thread::yield();
        synk_test::require_every_tier_works(11);
        std::puts("the other thread ends");
        std::exit(0);
    }).detach();
    static_handle = synk::get_sized_pool().get_sized(5000);
    ::pthread_exit(nullptr);
}

} // namespace

int main(int count, char** arguments) {
    const std::string_view way = count > 1 ? arguments[1] : "";
    if (way == "static") {
        static_handle = synk::get_sized_pool().get_sized(5000);
        static_buffer = synk::get_sized_pool().get_sized_buffer(6'000'000);
    } else if (way == "atexit") {
        leaked = new held("on the heap", 5);
        std::atexit(put_in_atexit);
    } else if (way == "detached") {
        start_detached();
    } else if (way == "pthread_exit") {
        leave_main_to_another_thread();
    } else {
        return 2;
    }
    std::puts("main ends");
    return 0;
}
