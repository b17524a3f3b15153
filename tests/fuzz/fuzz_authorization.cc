#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/api_key.h"
#include "domain/text.h"
#include "domain/time.h"
#include "tests/fuzz/require.h"

// What reads as a key prints as the key that it was read from; ids, texts and dates take any bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = parse_authorization(text)) {
    testing::require(text.ends_with(key->text()), "an Authorization value ends with its key");
  }
  if (const auto key = ApiKey::parse(text)) testing::require(key->text() == text, "a key is its text");
  if (const auto id = TokenId::parse(text)) testing::require(id->text() == text, "a token id is its text");
  if (const auto id = AccountId::parse(text))
    testing::require(id->text() == text, "an account id is its text");
  if (const auto secret = Secret::parse(text))
    testing::require(secret->hex() == text, "a secret is its text");
  if (const auto time = parse_time(text)) {
    testing::require(parse_time(format_time_exact(*time)) == *time, "a time is read back as it was printed");
  }
  if (const auto count = count_code_points(text)) {
    testing::require(*count <= size, "there are no more characters than bytes");
  }
  has_control_character(text);
  is_email(text);
  return 0;
}
