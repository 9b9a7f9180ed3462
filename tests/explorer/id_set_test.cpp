// The set of ids under every interleaving: each insert and each erase is told to one thread, and when nobody is inside
// the set finds what it has.
#include <gtest/gtest.h>

#include "chunks/id_set.hpp"
#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace {

using namespace synk_explorer;

// Two words of the top, so that each level has a neighbour that is empty and one that is not.
constexpr unsigned capacity = 64 * 64 * 64 + 4096;
using id_set = synk::detail::id_set<capacity>;

template <unsigned... Ids>
struct set_of {
    static constexpr unsigned ids[] = {Ids...};
    id_set set;

    // Nobody is inside: every member is found, in order, and nothing else.
    void finish() {
        unsigned from = 0;
        for (const unsigned id : ids) {
            if (!set.contains(id)) continue;
            require(set.next(from) == id, "a member is not found");
            from = id + 1;
        }
        require(from == capacity || set.next(from) == set.none, "found what is no member");
    }
};

// An id goes in and out; who has taken it out owns it until it puts it in. Others stay in all the time.
template <unsigned Id, unsigned... Others>
struct contested : set_of<Id, Others...> {
    static constexpr unsigned threads = 3;
    payloads<1> thing;
    contested() { (this->set.insert(Id), ..., this->set.insert(Others)); }
    void thread(unsigned) {
        for (int i = 0; i < 2; ++i) {
            if (!this->set.erase(Id)) continue;
            thing.use(0);
            require(this->set.insert(Id), "somebody else has put in what we own");
        }
    }
    void finish() {
        require(this->set.contains(Id), "the id is lost");
        set_of<Id, Others...>::finish();
    }
};

// The bits above a word are taken back while others set them: neighbours in one word, in one middle word, under one
// top word, and far apart. Others stay in all the time.
template <unsigned First, unsigned Second, unsigned... Others>
struct up_and_down : set_of<First, Second, Others...> {
    static constexpr unsigned threads = 3;
    up_and_down() { (this->set.insert(First), ..., this->set.insert(Others)); }
    void thread(unsigned i) {
        if (i == 0) require(this->set.erase(First), "a member is not erased");
        if (i == 1) require(this->set.insert(Second), "an id that nobody has put in is there");
        if (i == 2) {
            const unsigned found = this->set.lowest();
            require(found == First || found == Second || sizeof...(Others) != 0 || found == this->set.none,
                    "found what never was there");
        }
    }
    void finish() {
        require(!this->set.contains(First) && this->set.contains(Second), "an insert or an erase is lost");
        set_of<First, Second, Others...>::finish();
    }
};

// A reader that finds a bit above an empty word takes it back, while an insert comes.
struct reader_takes_back : set_of<1, 70> {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) {
        if (i < 2) {
            set.insert(i == 0 ? 1 : 70);
            if (i == 0) set.erase(1);
        } else {
            static_cast<void>(set.lowest());
        }
    }
    void finish() {
        require(set.contains(70), "an insert is lost");
        set_of::finish();
    }
};

// What is done with a thing before its insert is seen by whoever erases it: through lowest(), as a table's free ids.
struct handed_over : set_of<3, 64> {
    static constexpr unsigned threads = 4;
    payloads<2> things;
    void thread(unsigned i) {
        if (i < 2) {
            things.use(i);
            set.insert(i == 0 ? 3 : 64);
        } else {
            const unsigned id = set.lowest();
            if (id != set.none && set.erase(id)) things.use(id / 64);
        }
    }
};

struct alone : set_of<5, 64, 4096, 262144> {
    static constexpr unsigned threads = 1;
    template <class Find>
    void expect_empty_after(unsigned steps, Find find) {
        const unsigned before = the_machine.steps();
        require(find() == set.none, "found in an empty set");
        require(the_machine.steps() - before == steps, "an upper bit is set above an empty word");
    }
    id_set other; // too large for a thread's stack
    void find_common() {
        unsigned patience = 8;
        require(set.next_common(other, 0, patience) == set.none, "found in an empty set");
        require(other.insert(4096) && set.next_common(other, 5, patience) == 4096, "not found in both");
        require(other.erase(4096), "goes out once");
    }
    void thread(unsigned) {
        require(set.lowest() == set.none && !set.erase(5), "found in an empty set");
        for (const unsigned id : ids) require(set.insert(id) && !set.insert(id), "an id goes in once");
        require(set.lowest() == 5 && set.next(6) == 64 && set.next(65) == 4096 && set.next(4097) == 262144,
                "not found");
        find_common();
        for (const unsigned id : ids) require(set.lowest() == id && set.erase(id) && !set.erase(id), "goes out once");
        expect_empty_after(2, [this] { return set.lowest(); }); // the top
        expect_empty_after(3, [this] { return set.next(0); });  // 1 middle, 2 of the top
    }
};

const std::vector<program> worlds{
    program_of<contested<0>>("ids"),
    program_of<contested<0, 1>>("ids_not_alone"),
    program_of<up_and_down<1, 2>>("ids_one_word"),
    program_of<up_and_down<1, 65>>("ids_one_middle"),
    program_of<up_and_down<1, 4096>>("ids_one_top"),
    program_of<up_and_down<1, 262144>>("ids_far_apart"),
    program_of<up_and_down<4097, 4098>>("ids_higher_word"),
    program_of<up_and_down<4097, 4161>>("ids_higher_middle"),
    program_of<up_and_down<4097, 4098, 4164>>("ids_word_of_many"),
    program_of<up_and_down<4097, 4161, 8192>>("ids_middle_of_many"),
    program_of<reader_takes_back>("ids_reader"),
    program_of<handed_over>("ids_handed_over"),
    program_of<alone>("ids_alone"),
};

TEST(IdSet, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(IdSet, MutantsAreFound) {
    constexpr auto hint =
        "equivalent: what happened before the search is found all the same, and of the rest it says how it looks";
    const std::vector<equivalent> listed{
        {"// E1", "acq_rel", "equivalent: E1 is no part of the argument (E2, E3 against I1, I2); its edges are kept"},
        {"members = bottom_[word].load(", "acquire", hint},
        {"members = bottom_[word].load(", "relaxed", hint},
        {"= middle_[middle].load(", "acquire", hint},
        {"= middle_[middle].load(", "relaxed", hint},
        {"= top_[t].load(", "acquire", hint},
        {"= top_[t].load(", "relaxed", hint},
        {"any |= word.load(", "acquire", hint},
        {"any |= word.load(", "relaxed", hint},
        {"return other.bottom_[w].load(", "acquire", hint},
        {"return other.bottom_[w].load(", "relaxed", hint},
    };
    EXPECT_EQ(survivors(worlds, "chunks/id_set.hpp", listed), "");
}

} // namespace
