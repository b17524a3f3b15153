#pragma once

// Places where a test ends the process as by kill -9: where MINTMARK_CRASH_POINT in the environment is the
// place's name, at the time that MINTMARK_CRASH_COUNT says (the first). Only in builds that define
// MINTMARK_CRASH_POINTS, which the program's own never does; there it is nothing at all.
#ifdef MINTMARK_CRASH_POINTS
namespace mintmark {
void crash_point(const char* name);
}
#else
namespace mintmark {
inline void crash_point(const char*) {}
}  // namespace mintmark
#endif
