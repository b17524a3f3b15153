// A check of a key allocates nothing: neither in the authorization index nor on the way to the gateway's
// answer. Sanitizers bring allocators of their own, which must not be replaced.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/forward_auth.h"
#include "tests/support/api_instance.h"

namespace mintmark::allocation_test {

// Of this thread.
thread_local std::size_t allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const auto whole = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace mintmark::allocation_test

// The other forms of new and delete come down to these.
void* operator new(std::size_t size) {
  return mintmark::allocation_test::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return mintmark::allocation_test::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace mintmark::allocation_test {
namespace {

using http::RequestBuilder;
using namespace ::mintmark::testing;

template <class Work>
std::size_t allocations_of(const Work& work) {
  const auto before = allocations;
  work();
  return allocations - before;
}

class AllocationTest : public ::testing::Test {
 protected:
  struct Named {
    const char* what;
    int status;
    std::string authorization;
    std::string original_uri;
  };

  AllocationTest() {
    History history(instance_.memory);
    for (const auto n : {1U, 2U}) {
      auto event = token_created(token_id(n), vendor(1), CUSTOM, "A name that is longer than a small string");
      *event.mutable_token_created()->mutable_secret_digest() =
          instance_.peppers.digest(*Secret::parse(secret_));
      history.add(token_id(n), event);
    }
    Event granted;
    granted.mutable_permissions_granted()->add_modules(instance_.modules.modules().front().number);
    history.add(token_id(2), granted);
    instance_.project();
  }
  std::string key(std::uint32_t n, const std::string& secret) const {
    return "ApiKey " + token_id(n).text() + ":" + secret;
  }

  ApiInstance instance_;
  const std::string secret_ = std::string(40, '1');
};

TEST_F(AllocationTest, ACountOfThemCanFail) {
  std::string kept;
  EXPECT_EQ(allocations_of([&] { kept.assign(100, 'x'); }), 1U);
  EXPECT_EQ(allocations_of([&] { kept.assign(50, 'y'); }), 0U);
}

TEST_F(AllocationTest, ACheckInTheIndexAllocatesNothing) {
  const auto right = *Secret::parse(secret_);
  const auto wrong = *Secret::parse(std::string(40, '2'));
  using Index = AuthorizationIndex;
  const auto check = [&](TokenId id, const Secret& secret) {
    auto verdict = Index::Verdict::kUnknown;
    EXPECT_EQ(allocations_of([&] {
                verdict =
                    instance_.index.check(0, id, secret, instance_.clock.now(),
                                          [](Index::Verdict found, const Index::Identity*) { return found; });
              }),
              0U);
    return verdict;
  };
  EXPECT_EQ(check(token_id(1), right), Index::Verdict::kAllowed);
  EXPECT_EQ(check(token_id(1), wrong), Index::Verdict::kUnknown);
  EXPECT_EQ(check(token_id(9), right), Index::Verdict::kUnknown);
}

TEST_F(AllocationTest, AGatewaysAnswerAllocatesNothing) {
  const std::vector<Named> cases{
      {"allowed", 204, key(1, secret_), "/agreements/AGP-1?x=1"},
      {"allowed by no permission", 403, key(2, secret_), "/no/such/module"},
      {"wrong secret", 401, key(1, std::string(40, '2')), "/agreements/"},
      {"no such token", 401, key(9, secret_), "/agreements/"},
      {"malformed", 401, "ApiKey nonsense", "/agreements/"},
  };
  std::string out;
  out.reserve(4096);
  for (const auto& [what, status, authorization, uri] : cases) {
    SCOPED_TRACE(what);
    const auto request = RequestBuilder("GET", "/authorize")
                             .header("Authorization", authorization)
                             .header("X-Original-Method", "GET")
                             .header("X-Original-URI", uri)
                             .build();
    int answered = 0;
    out.clear();
    EXPECT_EQ(
        allocations_of([&] { answered = answer_forward_auth(*instance_.services, request, 0, true, out); }),
        0U);
    EXPECT_EQ(answered, status);
    EXPECT_FALSE(out.empty());
  }
}

}  // namespace
}  // namespace mintmark::allocation_test

#endif
