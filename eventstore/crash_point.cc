#include "eventstore/crash_point.h"

namespace mintmark {

void crash_point(const char* /*name*/) {}

}  // namespace mintmark
