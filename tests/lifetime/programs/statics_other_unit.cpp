#include "held.hpp"

held other_unit("static in the second unit", 3000);

held& in_other_unit() {
    static held object("static in a function", 4000);
    return object;
}
