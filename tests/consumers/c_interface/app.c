/* The whole of <synk/synk.h>, as a program in C11 sees it. */
#include <synk/synk.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const size_t KIB = 1024;
static const size_t MIB = 1024 * 1024;
static int failures = 0;

#define EXPECT(condition) expect((condition) != 0, #condition, __LINE__)

static void expect(int holds, const char* what, int line) {
    if (holds) return;
    fprintf(stderr, "app.c:%d: does not hold: %s\n", line, what);
    ++failures;
}

static struct synk_stats stats_now(void) {
    struct synk_stats now;
    synk_get_stats(&now);
    return now;
}

/* A byte that tells from which place of which filling it comes. */
static unsigned char pattern(size_t i, unsigned seed) { return (unsigned char)(i * 31 + (i >> 12) + seed); }

static void fill(unsigned char* block, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; ++i) block[i] = pattern(i, seed);
}

static int is_filled(const unsigned char* block, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; ++i)
        if (block[i] != pattern(i, seed)) return 0;
    return 1;
}

static int is_zero(const unsigned char* block, size_t size) {
    for (size_t i = 0; i < size; ++i)
        if (block[i] != 0) return 0;
    return 1;
}

static void every_size_is_got_whole_and_aligned(void) {
    const size_t sizes[] = {0, 1, 4096, 4097, 10000, 64 * KIB, MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        unsigned char* block = synk_get(sizes[i]);
        EXPECT(block != NULL);
        if (block == NULL) continue;
        const size_t capacity = synk_capacity(block);
        EXPECT((uintptr_t)block % 4096 == 0);
        EXPECT(capacity >= sizes[i] && capacity > 0);
        fill(block, capacity, (unsigned)i);
        EXPECT(is_filled(block, capacity, (unsigned)i));
        synk_put(block);
    }
}

static void zeroed_means_zero_even_when_reused(void) {
    const size_t sizes[] = {0, 1, 5000, 300 * KIB, 4 * MIB, 5 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        unsigned char* dirty = synk_get(sizes[i]);
        EXPECT(dirty != NULL);
        if (dirty == NULL) continue;
        memset(dirty, 0xff, synk_capacity(dirty));
        synk_put(dirty);
        unsigned char* clean = synk_get_zeroed(sizes[i]);
        EXPECT(clean != NULL && is_zero(clean, sizes[i]));
        synk_put(clean);
    }
}

static void null_is_nothing(void) {
    synk_put(NULL);
    EXPECT(synk_capacity(NULL) == 0);
    void* block = synk_resize(NULL, 20000);
    EXPECT(block != NULL && synk_capacity(block) >= 20000);
    synk_put(block);
}

/* Resizes a filled block of `from` bytes to `to` bytes: the common front stays. */
static void resize_keeps_the_front(size_t from, size_t to) {
    unsigned char* block = synk_get(from);
    EXPECT(block != NULL);
    if (block == NULL) return;
    fill(block, from, 7);
    unsigned char* resized = synk_resize(block, to);
    EXPECT(resized != NULL);
    if (resized == NULL) {
        synk_put(block);
        return;
    }
    EXPECT((uintptr_t)resized % 4096 == 0);
    EXPECT(synk_capacity(resized) >= to);
    EXPECT(is_filled(resized, from < to ? from : to, 7));
    fill(resized, to, 9);
    EXPECT(is_filled(resized, to, 9));
    synk_put(resized);
}

static void resize_up_down_and_across_4_mib(void) {
    const size_t sizes[] = {1, 4096, 4097, 100 * KIB, MIB, 4 * MIB, 4 * MIB + 1, 7 * MIB, 20 * MIB};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t from = 0; from < count; ++from)
        for (size_t to = 0; to < count; ++to) resize_keeps_the_front(sizes[from], sizes[to]);
    resize_keeps_the_front(100 * KIB, 0);
}

static void what_cannot_exist_is_eoverflow(void) {
    const size_t absurd[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4095, SIZE_MAX / 2, (size_t)1 << 47};
    unsigned char* block = synk_get(5000);
    fill(block, 5000, 3);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; ++i) {
        errno = 0;
        EXPECT(synk_get(absurd[i]) == NULL && errno == EOVERFLOW);
        errno = 0;
        EXPECT(synk_get_zeroed(absurd[i]) == NULL && errno == EOVERFLOW);
        errno = 0;
        EXPECT(synk_resize(block, absurd[i]) == NULL && errno == EOVERFLOW);
        EXPECT(is_filled(block, 5000, 3));
    }
    synk_put(block);
}

static void no_memory_is_enomem(void) {
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    unsigned char* block = synk_get(5 * MIB);
    fill(block, 5 * MIB, 5);

    const struct rlimit tight = {512 * MIB, before.rlim_max};
    setrlimit(RLIMIT_AS, &tight);
    errno = 0;
    EXPECT(synk_get(1024 * MIB) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(synk_get_zeroed(1024 * MIB) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(synk_resize(block, 1024 * MIB) == NULL && errno == ENOMEM);
    setrlimit(RLIMIT_AS, &before);

    EXPECT(is_filled(block, 5 * MIB, 5)); /* a resize that failed left it alone */
    synk_put(block);
}

static void the_books_follow(void) {
    synk_trim(0);
    const struct synk_stats start = stats_now();
    EXPECT(start.idle == 0);

    unsigned char* block = synk_get(MIB);
    memset(block, 1, MIB);
    const struct synk_stats lent = stats_now();
    EXPECT(lent.lent == start.lent + synk_capacity(block));
    EXPECT(lent.mapped >= lent.lent);
    EXPECT(lent.hits + lent.misses > start.hits + start.misses);

    synk_put(block);
    const struct synk_stats idle = stats_now();
    EXPECT(idle.lent == start.lent);
    EXPECT(idle.idle >= MIB);

    synk_put(synk_get(MIB));
    EXPECT(stats_now().hits > idle.hits);
    EXPECT(stats_now().misses == idle.misses);
}

static void trim_gives_back_down_to_what_is_kept(void) {
    void* blocks[8];
    for (int i = 0; i < 8; ++i) {
        blocks[i] = synk_get(MIB);
        memset(blocks[i], i, MIB);
    }
    for (int i = 0; i < 8; ++i) synk_put(blocks[i]);

    const struct synk_stats before = stats_now();
    EXPECT(before.idle >= 8 * MIB);
    EXPECT(synk_trim(SIZE_MAX) == 0);
    const size_t some = synk_trim(4 * MIB);
    EXPECT(some >= before.idle - 4 * MIB);
    EXPECT(stats_now().idle <= 4 * MIB);
    synk_trim(0);
    EXPECT(stats_now().idle == 0);
    EXPECT(stats_now().given_back >= before.given_back + before.idle);
}

static void pressure_takes_all(void) {
    synk_put(synk_get(MIB));
    const int fd = synk_pressure_fd();
    EXPECT(fd == -1 || fcntl(fd, F_GETFD) != -1);
    EXPECT(synk_on_pressure() >= MIB);
    EXPECT(stats_now().idle == 0);
    EXPECT(synk_maintain() == 0); /* nothing is left */
}

static void options_go_by_name(void) {
    EXPECT(synk_configure("SYNK_IDLE_LIMIT", "0") == 0);
    synk_put(synk_get(MIB));
    EXPECT(stats_now().idle == 0);
    errno = 0;
    EXPECT(synk_configure("SYNK_IDLE_LIMIT", "a lot") == -1 && errno == EINVAL);
    EXPECT(synk_configure("SYNK_IDLE_LIMIT", "128M") == 0);
    synk_put(synk_get(MIB));
    EXPECT(stats_now().idle >= MIB);
}

int main(void) {
    every_size_is_got_whole_and_aligned();
    zeroed_means_zero_even_when_reused();
    null_is_nothing();
    resize_up_down_and_across_4_mib();
    what_cannot_exist_is_eoverflow();
    no_memory_is_enomem();
    the_books_follow();
    trim_gives_back_down_to_what_is_kept();
    pressure_takes_all();
    options_go_by_name();
    printf("C interface: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
