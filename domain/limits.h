#pragma once

#include <chrono>
#include <cstddef>

// Every size and deadline that the outside can press against, in one place.
namespace mintmark::limits {

using namespace std::chrono_literals;

// Fields of the contract, in characters (Unicode code points).
inline constexpr std::size_t token_name_max = 128;
inline constexpr std::size_t token_description_max = 255;
inline constexpr std::size_t token_external_id_max = 128;
inline constexpr std::size_t account_name_max = 64;
inline constexpr std::size_t account_description_max = 512;
inline constexpr std::size_t account_external_id_max = 100;
inline constexpr std::size_t account_brand_max = 100;
inline constexpr std::size_t account_overview_max = 16 * 1024;
inline constexpr std::size_t account_headquarters_max = 256;
inline constexpr std::size_t account_list_items_max = 300;  // there are 249 countries
inline constexpr std::size_t account_list_text_max = 255;
inline constexpr std::size_t module_name_max = 32;
inline constexpr std::size_t user_name_max = 128;
inline constexpr std::size_t webhook_label_max = 100;
inline constexpr std::size_t webhook_description_max = 4096;
inline constexpr std::size_t webhook_product_id_max = 100;
inline constexpr std::size_t webhook_url_max = 4096;
inline constexpr std::size_t webhook_jwt_secret_max = 100;
inline constexpr std::size_t webhook_headers_max = 32;
inline constexpr std::size_t webhook_header_name_max = 128;
inline constexpr std::size_t webhook_header_value_max = 4096;
inline constexpr std::size_t webhook_data_bytes_max = 64 * 1024;
inline constexpr std::size_t webhooks_per_account_max = 100;
inline constexpr std::size_t extension_name_max = 50;
inline constexpr std::size_t extension_description_max = 255;
inline constexpr std::size_t extension_external_id_max = 256;
inline constexpr std::size_t extension_subtitle_max = 128;
inline constexpr std::size_t extension_overview_max = 16 * 1024;
inline constexpr std::size_t extension_list_items_max = 100;
inline constexpr std::size_t extension_list_text_max = 255;
inline constexpr std::size_t extension_tokens_max = 32;  // that an extension can limit its tokens to
inline constexpr std::size_t extensions_per_account_max = 100;
inline constexpr std::size_t email_max = 254;  // RFC 5321, 4.5.3.1.3 less the angle brackets
inline constexpr std::size_t password_min = 12;
inline constexpr std::size_t password_max = 1024;

// One HTTP request.
inline constexpr std::size_t request_head_bytes_max = 16 * 1024;
inline constexpr std::size_t request_body_bytes_max = 256 * 1024;
inline constexpr std::size_t request_headers_max = 100;
inline constexpr std::size_t json_depth_max = 16;
inline constexpr std::size_t idempotency_key_bytes_max = 255;
inline constexpr std::size_t request_id_bytes_max = 128;

inline constexpr std::size_t request_rate_max = 1'000'000;  // that can be set, a second

// One HTTP connection.
inline constexpr auto request_read_time_max = 10s;  // from its first byte to its last
inline constexpr auto response_write_time_max = 30s;
inline constexpr auto connection_idle_time_max = 75s;
inline constexpr std::size_t connections_per_thread_max = 8'192;
inline constexpr std::size_t metrics_connections_max = 64;

// Lists.
inline constexpr std::size_t page_default = 100;
inline constexpr std::size_t page_max = 1000;
inline constexpr std::size_t list_tokens_in_memory_max = 4'000'000;  // about 140 bytes each
inline constexpr std::size_t list_rows_skipped_max = 1000;           // on disk, before a page begins
inline constexpr std::size_t list_cursors_max = 4096;
inline constexpr std::size_t query_bytes_max = request_head_bytes_max;
inline constexpr std::size_t query_depth_max = 32;
inline constexpr std::size_t query_terms_max = 256;
inline constexpr std::size_t query_conditions_min = 8;       // that any list can be asked
inline constexpr std::size_t query_checks_max = 32'000'000;  // rows times conditions, where these are more
inline constexpr std::size_t query_table_checks_max = 1'000'000;  // the same, of lists that are made whole
inline constexpr std::size_t scans_max = 192;  // lists that look through all tokens or events
inline constexpr std::size_t scans_per_account_max = 48;
inline constexpr std::size_t query_values_max = 1024;  // in one in() or out()
inline constexpr std::size_t ordering_fields_max = 5;

// What goes through many of an account's events: how many at a time.
inline constexpr std::size_t event_slice_events_max = 256;
inline constexpr std::size_t event_slice_looked_at_max = 16'384;

// Streams and exports of events that are open at once.
inline constexpr std::size_t event_streams_max = 4096;
inline constexpr std::size_t event_streams_per_account_max = 256;
inline constexpr auto event_stream_heartbeat = 15s;
inline constexpr auto event_stream_retry = 2s;  // that a client is told to wait before it connects anew

// The worker.
inline constexpr std::size_t attempts_kept_max = 32;           // of a job, to be shown
inline constexpr std::size_t jobs_listed_max = 10'000;         // of an account
inline constexpr std::size_t deliveries_listed_max = 1000;     // of a webhook
inline constexpr auto retry_after_max = 10h;                   // what a receiver can put an attempt off by
inline constexpr auto webhook_failing_time_max = 5 * 24h;      // then it is disabled
inline constexpr std::size_t deliveries_waiting_max = 10'000;  // of a webhook
inline constexpr std::size_t tests_waiting_max = 100;          // of a webhook
inline constexpr std::size_t provisioning_secret_bytes_min = 16;
inline constexpr std::size_t provisioning_secret_bytes_max = 1024;
inline constexpr std::size_t webhook_timeout_s_max = 300;
inline constexpr std::size_t webhook_history_days_max = 3650;
inline constexpr std::size_t expiry_batch_tokens_max = 250;  // recorded together when they come due
inline constexpr std::size_t worker_concurrency_max = 4096;  // calls under way at once that can be set

// The log.
inline constexpr std::size_t stream_name_bytes_max = 128;
inline constexpr std::size_t append_events_max = 64;         // events in one append
inline constexpr std::size_t append_queue_max = 4096;        // appends that wait for the committer
inline constexpr std::size_t commit_batch_events_max = 512;  // events in one synced write
inline constexpr std::size_t conflict_retries_max = 64;      // as many as may want one stream at once
inline constexpr std::size_t projection_batch_events_max = 1024;

// Free space of the data folder's disk: below the first, work that grows the log is refused; below the
// second, deletions too. The reserve is set aside, and given up to deletions that come there.
inline constexpr std::size_t free_disk_bytes_min = 256UL * 1024 * 1024;
inline constexpr std::size_t deletion_disk_bytes_min = 16UL * 1024 * 1024;
inline constexpr std::size_t reserve_disk_bytes = 64UL * 1024 * 1024;

// Waiting.
inline constexpr auto projection_wait_time_max = 5s;
inline constexpr auto provisioning_wait_time_max = 5s;  // of a handle's exchange
inline constexpr auto shutdown_drain_time_max = 10s;
inline constexpr auto session_time_max = 12h;
inline constexpr std::size_t sessions_per_user_max = 32;  // one more ends the oldest
inline constexpr std::size_t blocking_queue_max = 1024;   // jobs of the blocking pool, running and waiting

// Hashing passwords: 50 ms of a core and 64 MiB each.
inline constexpr std::size_t hashing_threads_max = 2;
inline constexpr std::size_t hashing_queue_max = 16;    // jobs, running and waiting
inline constexpr std::size_t sign_ins_at_once_max = 8;  // from browsers that are not known
inline constexpr std::size_t sign_ins_per_address_at_once_max = 4;
inline constexpr std::size_t proven_sign_ins_at_once_max = 4;  // from known browsers and sessions
inline constexpr std::size_t proven_sign_ins_each_at_once_max = 2;

static_assert(append_events_max <= commit_batch_events_max);
static_assert(expiry_batch_tokens_max < append_queue_max);
static_assert(page_default <= page_max);
static_assert(scans_per_account_max < scans_max);
static_assert(deletion_disk_bytes_min < free_disk_bytes_min);
static_assert(2 * deletion_disk_bytes_min < reserve_disk_bytes);
static_assert(token_name_max * 4 < request_body_bytes_max);
// What owners do with passwords finds room beside any crowd that signs in.
static_assert(sign_ins_at_once_max + proven_sign_ins_at_once_max < hashing_queue_max);

}  // namespace mintmark::limits
