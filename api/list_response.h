#pragma once

#include <cstddef>
#include <functional>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/http/message.h"
#include "api/list_filter.h"
#include "api/rql.h"

// Lists as answers (CONTRACT.md, Lists).
namespace mintmark {

// A short list: takes the objects as they are shown, in the list's own order, and answers what the query asks
// for: filtered and searched by the fields of the table, ordered (what is equal keeps the list's own order;
// null comes last, or first where the order descends; texts go by their bytes), cut to the page, with
// Content-Range; 400 where the query does not fit the table, or asks more than limits::query_table_checks_max
// allows. To be called as
//
//     const auto query = parse_list_query(context.request.query());
//     if (!query) co_return error_response(query.error());
//     … represent every object …
//     co_return respond_with_list(std::move(objects), webhook_fields, *query);
// `complete` is called with each object of the page, for what is too dear to be there for all; no field of
// the table.
using CompleteObject = std::function<void(boost::json::object& object)>;
http::Response respond_with_list(boost::json::array objects, FieldTable fields, const ListQuery& query,
                                 const CompleteObject& complete = {});

// The objects that the query's filter and search let through, in the list's own order; kInvalidQuery where
// the query does not fit the table, or asks more than limits::query_table_checks_max allows.
Result<boost::json::array> filter_list(boost::json::array objects, FieldTable fields, const ListQuery& query);

// 200 with one page of a list that has `total` items in all.
http::Response list_response(const boost::json::array& items, const ListQuery& query, std::size_t total);

// What select() asks for. Every field is shown unless the query leaves it out: select(-permissions) drops a
// field, select(-events.created.by) one within an object (of every element, where it is an array), and
// select(-events,events.created.at) keeps that one of what it drops. A field named without a minus that is
// not dropped is shown anyway; names that the object does not have are left out.
void apply_selection(boost::json::object& object, const std::vector<rql::Selection>& selection);

// The fields of the lists of the contract.
extern const FieldTable token_fields;
extern const FieldTable token_permission_fields;
extern const FieldTable account_fields;
extern const FieldTable user_fields;
extern const FieldTable session_fields;  // ours
extern const FieldTable extension_fields;
extern const FieldTable module_fields;
extern const FieldTable webhook_fields;
extern const FieldTable job_fields;       // ours
extern const FieldTable delivery_fields;  // ours
extern const FieldTable event_fields;     // ours

}  // namespace mintmark
