/* dlopen, use, dlclose, and use again what was got: handles and threads' caches may outlive dlclose. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void* (*get)(size_t);
static void (*put)(void*);
static pthread_barrier_t step;

static void* find(void* library, const char* name) {
    void* symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "no %s in %s: %s\n", name, SYNK_LIBRARY, dlerror());
        exit(1);
    }
    return symbol;
}

/* Fills this thread's cache, waits until the library is unloaded, and ends: its end has to give the cache back. */
static void* outlive_the_library(void* unused) {
    (void)unused;
    void* kept = get(100000);
    put(get(50000));
    pthread_barrier_wait(&step); /* the cache is full */
    pthread_barrier_wait(&step); /* the library is closed */
    memset(kept, 2, 100000);
    put(kept);
    return NULL;
}

int main(void) {
    void* library = dlopen(SYNK_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    /* POSIX promises that dlsym's pointer may be a function's; ISO C needs the detour. */
    *(void**)&get = find(library, "synk_get");
    *(void**)&put = find(library, "synk_put");

    pthread_t thread;
    pthread_barrier_init(&step, NULL, 2);
    pthread_create(&thread, NULL, outlive_the_library, NULL);
    void* block = get(20000);
    pthread_barrier_wait(&step);
    dlclose(library);
    pthread_barrier_wait(&step);
    pthread_join(thread, NULL);
    memset(block, 1, 20000);
    put(block);

    puts("a block and a thread outlived dlclose");
    return 0;
}
